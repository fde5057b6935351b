/// Where something stands in a recipe: the file as the user knows it, and the line its instruction starts on.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
    /// The file's name, relative to the job's directory.
    public var file: String
    /// The line, from 1.
    public var line: Int

    /// `FILE:LINE`.
    public var description: String { "\(file):\(line)" }

    /// Makes a place.
    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }
}

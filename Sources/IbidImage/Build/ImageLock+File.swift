import IbidModel
import IbidStore

extension ImageLock {
    /// The lock's name in a source tree, beside the Dockerfile. It never gets into an image.
    public static let fileName = "ibid.lock"

    /// The lock as a text file that people can compare: sorted, one line for each request and package.
    public func text() throws -> String {
        try CanonicalJSON.parse(try CanonicalJSON.encode(self)).lines(indent: "") + "\n"
    }

    /// Reads a lock file.
    ///
    /// - Throws: `bad-lock` for what this version does not understand.
    static func parse(_ bytes: [UInt8], file: String) throws -> ImageLock {
        func bad(_ problem: String) -> IbidError {
            IbidError("bad-lock", "\(file): \(problem)", hint: "make it again: ibid lock")
        }
        guard let value = try? CanonicalJSON.parse(bytes) else { throw bad("it is no JSON document") }
        guard value["schema"]?.string == currentSchema else {
            throw bad("its form is not '\(currentSchema)' but '\(value["schema"]?.string ?? "unknown")'")
        }
        do {
            return try CanonicalJSON.decode(ImageLock.self, from: bytes)
        } catch {
            throw bad("a part of it is missing or of another kind")
        }
    }

    /// The lock that is committed in a source tree; nil when there is none.
    static func committed(in tree: SourceTree) throws -> ImageLock? {
        guard case .file? = tree.node(Array(fileName.utf8))?.kind else { return nil }
        guard let bytes = try tree.readFile(Array(fileName.utf8), limit: 64 << 20) else {
            throw IbidError("bad-lock", "\(fileName) is longer than 64 MiB")
        }
        return try parse(bytes, file: fileName)
    }
}

extension JSONValue {
    private var isScalar: Bool { array == nil && object == nil }

    /// Objects without structure of their own stand on one line.
    fileprivate func lines(indent: String) -> String {
        let deeper = indent + "  "
        if let array, !array.isEmpty {
            return "[\n" + array.map { deeper + $0.lines(indent: deeper) }.joined(separator: ",\n") + "\n\(indent)]"
        }
        if let object, !object.values.allSatisfy(\.isScalar) {
            let members = object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { key, value in
                deeper + String(decoding: CanonicalJSON.bytes(.string(key)), as: UTF8.self) + ": "
                    + value.lines(indent: deeper)
            }
            return "{\n" + members.joined(separator: ",\n") + "\n\(indent)}"
        }
        return String(decoding: CanonicalJSON.bytes(self), as: UTF8.self)
    }
}

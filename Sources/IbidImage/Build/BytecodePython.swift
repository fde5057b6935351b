/// A Python that compiles, and how it is had to give the same bytes.
///
/// Before 3.11 what `marshal` writes depends on how often a name is used anywhere in the process, and on the order of
/// sets (cpython#81777). Its second version notes no such uses, and a fixed hash seed puts sets in one order.
struct BytecodePython {
    /// Its path in the image.
    let path: String
    /// Whether it is older than 3.11.
    private let isOld: Bool

    /// - Parameter version: `3.9`; with anything else it is taken for a newer one.
    init(path: String, version: some StringProtocol) {
        self.path = path
        let numbers = version.split(separator: ".").map { Int($0) }
        isOld = numbers.count == 2 && numbers[0] == 3 && (numbers[1] ?? 11) < 11
    }

    /// The program that it runs.
    var script: String {
        let text = BytecodeScript.text
        return isOld ? text.replacing("marshal.dumps(code)", with: "marshal.dumps(code, 2)") : text
    }

    /// What comes before the program's path; -I would also leave the hash seed to chance.
    var command: [String] { [path] + (isOld ? ["-s"] : ["-I"]) + ["-S", "-B"] }

    /// What it sees of a step's environment.
    func environment(_ step: [String: String]) -> [String: String] {
        isOld ? step.filter { !$0.key.hasPrefix("PYTHON") }.merging(["PYTHONHASHSEED": "0"]) { $1 } : step
    }
}

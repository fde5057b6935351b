import IbidModel

/// The runtime's log: one JSON object a line (`--log-format=json`), empty when it had nothing to complain about.
enum RuntimeLog {
    /// The first error; warnings do not count.
    static func firstError(_ text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let entry = try? CanonicalJSON.parse(Array(line.utf8)) else { return String(line) }
            if entry["level"]?.string == "error" { return entry["msg"]?.string ?? String(line) }
        }
        return nil
    }

    /// Whether it says that there is no such program, or that it is none.
    static func isCommandNotFound(_ error: String) -> Bool {
        error.contains("executable file") || error.hasPrefix("open executable") || error.hasPrefix("exec ")
    }
}

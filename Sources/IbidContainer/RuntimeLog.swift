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
}

import IbidModel

/// How numbers are shown to people.
enum Formatting {
    /// `123 B`, `1.2 KiB`, `3.4 GiB`.
    static func size(_ bytes: Int64) -> String {
        if bytes < 1_024 { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        while value >= 1_024 && unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 || tenths >= 1_000
            ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// `12 ms`, `3.4 s`, `5 min 6 s`.
    static func duration(microseconds: Int64) -> String {
        if microseconds < 1_000_000 { return "\((microseconds + 500) / 1_000) ms" }
        if microseconds < 60_000_000 {
            let tenths = (microseconds + 50_000) / 100_000
            return "\(tenths / 10).\(tenths % 10) s"
        }
        return "\(microseconds / 60_000_000) min \(microseconds / 1_000_000 % 60) s"
    }

    /// Seconds with microseconds, for JSON.
    static func seconds(_ microseconds: Int64) -> JSONDocument { .number(Double(microseconds) / 1_000_000) }

    /// The first twelve digits: enough to tell digests apart on a screen.
    static func short(_ digest: Digest) -> String { String(digest.hex.prefix(12)) }
}

import IbidModel

/// How sizes and durations are written, in `job.toml` and on the command line alike.
public enum Quantity {
    private static let units: [(name: String, bytes: Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]

    /// Reads a byte count: digits, a fraction if it comes out whole, a unit (`KiB MiB GiB TiB kB MB GB TB B`, or none
    /// for bytes). `2GiB`, `1.5 MiB`, `1000`. A bare `k`, `m` or `g` is a power of 1024, as for `docker run --memory`.
    public static func parseSize(_ text: String) throws -> Int64 {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var suffix = text.dropFirst(number.count)
        if suffix.first == " " { suffix.removeFirst() }
        let form = "write digits and a unit: '512MiB', '2GiB', '10GB'"
        let unit: Int64
        if suffix.isEmpty {
            unit = 1
        } else if let known = units.first(where: { $0.name == suffix }) {
            unit = known.bytes
        } else if let near = units.first(where: { $0.name.lowercased() == suffix.lowercased() }) {
            throw IbidError.malformedSize(text, "did you mean '\(number)\(near.name)'?")
        } else if suffix.count == 1, let power = ["k", "m", "g", "t"].firstIndex(of: suffix.lowercased()) {
            unit = 1 << (10 * (power + 1))
        } else {
            throw IbidError.malformedSize(text, form)
        }
        guard let value = scaled(number, by: unit) else { throw IbidError.malformedSize(text, form) }
        return value
    }

    /// Reads a length of time in whole seconds: `90s`, `10m`, `1h30m`, `2d`.
    public static func parseDuration(_ text: String) throws -> Int64 {
        var rest = text[...]
        var total: Int64 = 0
        var units: [(letter: Character, seconds: Int64)] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let value = Int64(digits), let letter = rest.popFirst(),
                let unit = units.firstIndex(where: { $0.letter == letter })
            else { throw IbidError.malformedDuration(text) }
            let (product, over) = value.multipliedReportingOverflow(by: units[unit].seconds)
            let (sum, overSum) = total.addingReportingOverflow(product)
            guard !over, !overSum else { throw IbidError.malformedDuration(text) }
            total = sum
            units.removeFirst(unit + 1)
        } while !rest.isEmpty
        return total
    }

    /// `number * unit` without floating point; nil unless it is a whole, representable count.
    private static func scaled(_ number: Substring, by unit: Int64) -> Int64? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(parts[0]) else { return nil }
        let (product, over) = whole.multipliedReportingOverflow(by: unit)
        guard !over else { return nil }
        guard parts.count == 2 else { return product }
        // At most six digits keep the multiplication inside 64 bits for every unit.
        guard (1...6).contains(parts[1].count), var fraction = Int64(parts[1]) else { return nil }
        var scale: Int64 = 1
        for _ in 0..<parts[1].count { scale *= 10 }
        fraction *= unit
        guard fraction.isMultiple(of: scale) else { return nil }
        let (sum, overSum) = product.addingReportingOverflow(fraction / scale)
        return overSum ? nil : sum
    }
}

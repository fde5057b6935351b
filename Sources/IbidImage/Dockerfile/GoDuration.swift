/// Durations as Go's `time.ParseDuration` reads them: `1h30m`, `1.5s`, `300ms`.
enum GoDuration {
    /// Nanoseconds; nil for anything else, negative and overlong ones included.
    static func nanoseconds(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        let units: [(String, Int64)] = [
            ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
            ("s", 1_000_000_000),
        ]
        var rest = text[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let whole = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(whole.count)
            var fraction: Substring = ""
            if rest.hasPrefix(".") {
                fraction = rest.dropFirst().prefix { ("0"..."9").contains($0) }
                rest = rest.dropFirst(fraction.count + 1)
            }
            guard !(whole.isEmpty && fraction.isEmpty), fraction.count <= 9,
                let unit = units.first(where: { rest.hasPrefix($0.0) }),
                let integer = Int64(whole.isEmpty ? "0" : whole), let part = Int64(fraction.isEmpty ? "0" : fraction)
            else { return nil }
            rest = rest.dropFirst(unit.0.count)
            var scale: Int64 = 1
            for _ in fraction { scale *= 10 }
            let (product, overflow) = integer.multipliedReportingOverflow(by: unit.1)
            // part < 10^9 and the unit at most 3.6 × 10^12: the product fits.
            let (withPart, overflow2) = product.addingReportingOverflow(multiply(part, unit.1, dividedBy: scale))
            let (sum, overflow3) = total.addingReportingOverflow(withPart)
            guard !overflow, !overflow2, !overflow3 else { return nil }
            total = sum
        }
        return total
    }

    private static func multiply(_ part: Int64, _ unit: Int64, dividedBy scale: Int64) -> Int64 {
        let wide = part.multipliedFullWidth(by: unit)
        return scale.dividingFullWidth(wide).quotient
    }
}

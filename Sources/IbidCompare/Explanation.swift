/// How two files differ, in the words of what they are.
public struct Explanation: Hashable, Sendable {
    /// What sort of thing changed, when the difference itself shows it.
    public enum Nature: String, Hashable, Sendable {
        /// Dates, times of day, seconds since 1970.
        case times = "times"
        /// The same parts, in another order.
        case order = "order"
        /// UUIDs.
        case uuids = "UUIDs"
        /// Addresses of objects in memory.
        case addresses = "addresses"
        /// Names of temporary files.
        case temporaryNames = "names of temporary files"
        /// Numbers that differ in their last digits.
        case rounding = "last digits of numbers"
        /// The same content, written differently.
        case form = "form"
        /// Anything else.
        case content = "content"
    }

    /// Two pictures, as they are, and the map of their differences, a PNG.
    public struct Pictures: Hashable, Sendable {
        /// The recorded one.
        public var before: [UInt8]
        /// The replay's.
        public var after: [UInt8]
        /// Where they differ; nil when they have different sizes.
        public var map: [UInt8]?
    }

    /// What the files are.
    public var kind: FileKind
    /// What sort of thing changed.
    public var nature: Nature
    /// One line.
    public var summary: String
    /// More, line by line; bounded.
    public var lines: [String]
    /// For pictures.
    public var pictures: Pictures?
    /// Whether nothing is known but which bytes differ.
    public var isOpaque = false
    /// The `drop` of a `text` rule under which the two are equal; nil when no pattern that is known does it.
    public var dropPattern: String?
    /// The `rtol` of a `numeric` rule under which the two are equal; nil when they differ in more than last digits.
    public var tolerance: String?

    init(_ kind: FileKind, _ nature: Nature, _ summary: String, lines: [String] = [], pictures: Pictures? = nil) {
        self.kind = kind
        self.nature = nature
        self.summary = summary
        self.lines = lines
        self.pictures = pictures
    }

    /// Compares two files that differ. Both are untrusted; nothing in them is executed, and what unpacks to more than
    /// some hundred megabytes is not unpacked.
    public init(path: String, before: [UInt8], after: [UInt8]) {
        var budget = ExplanationBudget()
        self = Self.explain(path: path, before, after, &budget)
    }

    static func explain(
        path: String, _ before: [UInt8], _ after: [UInt8], _ budget: inout ExplanationBudget
    ) -> Explanation {
        let kind = FileKind(before, path: path)
        let other = FileKind(after, path: path)
        guard max(before.count, after.count) <= Finding.largestFile else {
            return binary(kind, before, after)
        }
        if kind != other { return Explanation(kind, .content, "was \(kind.rawValue), is \(other.rawValue)") }
        switch kind {
        case .png, .jpeg: return picture(kind, before, after)
        case .csv, .tsv, .json, .jsonLines, .notebook, .numpy, .parquet, .sqlite:
            return values(kind, path: path, before, after)
        case .text, .svg: return text(kind, before, after)
        case .zip, .tar: return archive(kind, before, after, &budget)
        case .gzip: return gzip(path: path, before, after, &budget)
        case .pickle: return pickle(before, after)
        case .pdf: return pdf(before, after)
        case .hdf5, .binary: return binary(kind, before, after)
        }
    }

    // MARK: Values

    private static func values(_ kind: FileKind, path: String, _ before: [UInt8], _ after: [UInt8]) -> Explanation {
        let isBinary = [.numpy, .parquet, .sqlite].contains(kind)
        func plain() -> Explanation { isBinary ? binary(kind, before, after) : text(kind, before, after) }
        let shape = isBinary ? nil : TextShape.between(before, after)
        let tally: Tally
        do throws(Unreadable) {
            tally = try Tally.numeric(kind, path: path, before, after, .none)
        } catch {
            var explanation = plain()
            explanation.summary += "; could not be read as \(kind.rawValue): \(error.reason)"
            return explanation
        }
        if tally.isSame {
            return Explanation(kind, .form, "the same values, written differently", lines: plain().lines)
        }
        var (nature, summary) = (shape?.nature ?? .content, tally.summary())
        if nature == .order {
            summary = "the same \(kind == .csv || kind == .tsv ? "rows" : "parts"), in another order"
        }
        if nature == .content, tally.structure.isEmpty, tally.isRounding { nature = .rounding }
        var explanation = Explanation(kind, nature, summary, lines: tally.lines())
        explanation.dropPattern = shape?.pattern
        if nature == .rounding { explanation.tolerance = tally.sufficientTolerance }
        return explanation
    }

    private static func text(_ kind: FileKind, _ before: [UInt8], _ after: [UInt8]) -> Explanation {
        let difference = LineDifference(before, after)
        let shape = TextShape.between(before, after)
        var (nature, summary) = (shape?.nature ?? .content, difference.summary)
        if let shape, nature != .order { summary += "; only \(shape.nature.rawValue)" }
        if nature == .order { summary = "the same parts, in another order" }
        if nature == .content, let tally = try? Tally.numeric(.text, path: "", before, after, .none), tally.isRounding {
            nature = .rounding
            summary = tally.summary("values")
        }
        var explanation = Explanation(kind, nature, summary, lines: difference.lines)
        explanation.dropPattern = shape?.pattern
        if nature == .rounding {
            explanation.tolerance = try? Tally.numeric(.text, path: "", before, after, .none).sufficientTolerance
        }
        return explanation
    }

    // MARK: Pictures

    private static func picture(_ kind: FileKind, _ before: [UInt8], _ after: [UInt8]) -> Explanation {
        let (old, new): (Picture, Picture)
        do throws(Unreadable) {
            (old, new) = (try Picture(before), try Picture(after))
        } catch {
            var explanation = binary(kind, before, after)
            explanation.summary += "; could not be read as \(kind.rawValue): \(error.reason)"
            return explanation
        }
        let difference = PictureDifference(old, new, threshold: 0)
        if difference.problem == nil && difference.changed == 0 {
            return Explanation(kind, .form, "the same pixels, written differently")
        }
        let pictures = Pictures(before: before, after: after, map: PictureDifference.map(old, new)?.png)
        return Explanation(kind, .content, difference.summary, pictures: pictures)
    }

    /// Adds what drawings look like, each as a PNG; says nothing when they cannot be read.
    public mutating func show(_ before: [UInt8], _ after: [UInt8]) {
        guard let old = try? Picture(png: before), let new = try? Picture(png: after) else { return }
        let difference = PictureDifference(old, new, threshold: 0)
        if difference.problem == nil && difference.changed == 0 {
            summary += "; drawn, they look the same"
            return
        }
        summary += "; drawn, \(difference.summary)"
        pictures = Pictures(before: before, after: after, map: PictureDifference.map(old, new)?.png)
    }

    // MARK: Bytes

    /// `first difference at byte 12 of 40`, or the lengths.
    static func firstDifference(_ before: [UInt8], _ after: [UInt8]) -> String {
        let place = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        if before.count != after.count { return "\(before.count) bytes, now \(after.count)" }
        let count = zip(before, after).count { $0 != $1 }
        return "\(count) of \(before.count) bytes differ, the first at \(place ?? 0)"
    }

    static func binary(_ kind: FileKind, _ before: [UInt8], _ after: [UInt8]) -> Explanation {
        let place = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        let start = (place ?? min(before.count, after.count)) / 16 * 16
        let lines = [("- ", before), ("+ ", after)].map { mark, bytes in mark + dump(bytes, at: start) }
        var explanation = Explanation(kind, .content, firstDifference(before, after), lines: lines)
        explanation.isOpaque = true
        return explanation
    }

    private static func dump(_ bytes: [UInt8], at start: Int) -> String {
        let row = bytes[min(start, bytes.count)..<min(start + 16, bytes.count)]
        let hex = row.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        let text = row.map { (32..<127).contains($0) ? String(Unicode.Scalar($0)) : "." }.joined()
        let offset = String(start, radix: 16)
        return String(repeating: "0", count: max(0, 8 - offset.count)) + offset + "  " + hex
            + String(repeating: " ", count: 50 - hex.count) + text
    }
}

/// What may still be unpacked while one pair of files is explained.
struct ExplanationBudget {
    var bytes = 512 << 20
    var depth = 0
}

extension Tally {
    /// The next power of ten above the largest relative difference.
    var sufficientTolerance: String {
        var (value, exponent) = (1.0, 0)
        while value / 10 > largestRelative && exponent > -16 { (value, exponent) = (value / 10, exponent - 1) }
        return "1e\(exponent)"
    }

    /// Whether every difference is of numbers that agree to six digits.
    var isRounding: Bool {
        changed > 0 && largest > 0 && largestRelative < 1e-6 && groups.values.allSatisfy { $0.largest > 0 }
    }
}

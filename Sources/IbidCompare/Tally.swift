/// Counts and measures differences while two files are walked side by side; it keeps a bounded sample of them.
struct Tally {
    /// The differences of one column, path or array.
    struct Group: Hashable {
        var changed = 0
        var beyond = 0
        var largest = 0.0
        var largestRelative = 0.0
        var place = ""
    }

    let tolerance: Tolerance
    private(set) var compared = 0
    /// Values that are not the same.
    private(set) var changed = 0
    /// Of these, values that the tolerance does not allow.
    private(set) var beyond = 0
    private(set) var largest = 0.0
    private(set) var largestRelative = 0.0
    private(set) var largestPlace = ""
    private(set) var firstPlace = ""
    /// What no tolerance covers: other shapes, missing keys.
    private(set) var structure: [String] = []
    /// `place: old → new`, the first of them.
    private(set) var samples: [String] = []
    private(set) var groups: [String: Group] = [:]
    /// Pairs of differing texts, the first of them, to see what kind of thing they are.
    private(set) var pairs: [(old: String, new: String)] = []

    static let mostSamples = 20
    private static let mostGroups = 200

    init(_ tolerance: Tolerance) { self.tolerance = tolerance }

    /// Whether the rule that the tolerance stands for holds.
    var isEqual: Bool { beyond == 0 && structure.isEmpty }
    var isSame: Bool { changed == 0 && structure.isEmpty }

    /// Two values in their places' own words: numbers are compared as such, everything else must be the same.
    mutating func texts(
        _ old: some StringProtocol, _ new: some StringProtocol, group: String, at place: @autoclosure () -> String
    ) {
        compared += 1
        // Byte by byte: for Swift, an accented letter is the same however it is put together.
        if old.utf8.elementsEqual(new.utf8) { return }
        if let before = NumberText.parse(old), let after = NumberText.parse(new),
            let distance = NumberText.distance(old, new)
        {
            note(before, after, distance: distance, group: group, place(), "\(old)", "\(new)")
        } else {
            note(nil, group: group, place(), "\(old)", "\(new)")
        }
    }

    /// Two values that are the same.
    mutating func same() { compared += 1 }

    /// Two values that no tolerance covers, whatever they look like.
    mutating func exact(_ old: String, _ new: String, group: String, at place: @autoclosure () -> String) {
        compared += 1
        if !old.utf8.elementsEqual(new.utf8) { note(nil, group: group, place(), old, new) }
    }

    /// Two whole numbers of units of 10^-scale; their distance is exact.
    mutating func integers(
        _ old: Int128, _ new: Int128, scale: Int = 0, group: String, at place: @autoclosure () -> String
    ) {
        compared += 1
        if old == new { return }
        let unit = (0..<scale).reduce(1.0) { unit, _ in unit * 10 }
        let (difference, overflow) = old.subtractingReportingOverflow(new)
        let distance = overflow ? (Double(old) - Double(new)).magnitude : Double(difference.magnitude)
        let suffix = scale == 0 ? "" : "e-\(scale)"
        note(
            Double(old) / unit, Double(new) / unit, distance: distance / unit, group: group, place(),
            "\(old)\(suffix)", "\(new)\(suffix)")
    }

    mutating func numbers(_ old: Double, _ new: Double, group: String, at place: @autoclosure () -> String) {
        compared += 1
        if old == new || (old.isNaN && new.isNaN) { return }
        note(old, new, distance: (old - new).magnitude, group: group, place(), "\(old)", "\(new)")
    }

    /// Something that no tolerance covers.
    mutating func structure(_ sentence: String) {
        if structure.count < Self.mostSamples { structure.append(sentence) }
    }

    private mutating func note(
        _ old: Double, _ new: Double, distance: Double, group: String, _ place: String, _ before: String,
        _ after: String
    ) {
        if distance == 0 { return }  // 1.0 and 1.00
        let relative = old == 0 ? Double.infinity : distance / old.magnitude
        let allowed = tolerance.allows(old, new, difference: distance)
        if distance > largest || largestPlace.isEmpty { (largest, largestPlace) = (distance, place) }
        if relative.isFinite { largestRelative = max(largestRelative, relative) }
        note((distance, relative), beyond: !allowed, group: group, place, before, after)
    }

    private mutating func note(
        _ size: (absolute: Double, relative: Double)?, beyond isBeyond: Bool = true, group: String, _ place: String,
        _ before: String, _ after: String
    ) {
        if changed == 0 { firstPlace = place }
        changed += 1
        if isBeyond { beyond += 1 }
        if samples.count < Self.mostSamples { samples.append("\(place): \(Self.clip(before)) → \(Self.clip(after))") }
        if pairs.count < 200 { pairs.append((Self.clip(before, 200), Self.clip(after, 200))) }
        guard groups[group] != nil || groups.count < Self.mostGroups else { return }
        var entry = groups[group] ?? Group()
        entry.changed += 1
        if isBeyond { entry.beyond += 1 }
        if let size {
            if size.absolute >= entry.largest { (entry.largest, entry.place) = (size.absolute, place) }
            if size.relative.isFinite { entry.largestRelative = max(entry.largestRelative, size.relative) }
        }
        groups[group] = entry
    }

    /// Text from a file of somebody else's, cut to a length that fits a line.
    static func clip(_ text: String, _ length: Int = 60) -> String {
        text.count <= length ? text : text.prefix(length - 1) + "…"
    }

    // MARK: Words

    /// One line: how much differs, and where most.
    func summary(_ unit: String = "values") -> String {
        if let first = structure.first { return first }
        guard changed > 0 else { return "the same \(unit), written differently" }
        var text = "\(changed) of \(compared) \(unit) differ"
        if largest > 0 {
            text += ", at most \(NumberText.short(largest))"
            if largestRelative > 0 { text += " (relative \(NumberText.short(largestRelative)))" }
            text += " at \(Self.clip(largestPlace))"
        } else if !firstPlace.isEmpty {
            text += ", the first at \(Self.clip(firstPlace))"
        }
        return text
    }

    /// The same in full: each column or path, then the first differences one by one.
    func lines() -> [String] {
        var lines = structure
        for (name, group) in groups.sorted(by: { ($1.value.changed, $0.key) < ($0.value.changed, $1.key) }).prefix(20) {
            var line = "\(name.isEmpty ? "values" : name): \(group.changed) differ"
            if group.largest > 0 {
                line += ", at most \(NumberText.short(group.largest))"
                if group.largestRelative > 0 { line += " (relative \(NumberText.short(group.largestRelative)))" }
                line += " at \(group.place)"
            }
            lines.append(line)
        }
        return lines + samples.map { "  " + $0 }
    }
}

/// The reason why two texts differ.
struct TextDifference {
    private let inspector: DifferenceInspector

    init(_ inspector: DifferenceInspector) { self.inspector = inspector }

    func cause(_ first: String, _ second: String) -> DifferenceCause {
        let before = first.split(separator: "\n", omittingEmptySubsequences: false)
        let after = second.split(separator: "\n", omittingEmptySubsequences: false)
        if before.count == after.count, before.sorted() == after.sorted() {
            return DifferenceCause("order", "the same lines in another order")
        }
        let (old, new) = Self.firstDifference(before, after)
        if Self.words(old).sorted() == Self.words(new).sorted(), Self.words(old).count > 1 {
            return DifferenceCause("order", "the same words in another order: \(shown(old, new))")
        }
        if withoutTimes(old) == withoutTimes(new) { return DifferenceCause("time stamp", shown(old, new)) }
        if first.contains("PRIVATE KEY-----") { return DifferenceCause("random", "a key that the step made") }
        if first.contains("-----BEGIN ") || first.hasPrefix("ssh-") {
            return DifferenceCause("random", "a certificate or key that the step made")
        }
        let (a, b) = Self.differingWords(old, new)
        return DifferenceCause(name(a, b), shown(a, b))
    }

    /// Whether a text has a moment of one of the builds in it.
    func hasTime(_ text: String) -> Bool { withoutTimes(text) != text }

    private func name(_ first: String, _ second: String) -> String {
        if let before = Int(first), let after = Int(second) {
            if before == inspector.processors.first, after == inspector.processors.second, before != after {
                return "number of processors"
            }
            return "random number, process id or count"
        }
        if [first, second].contains(where: { ["tmpfs", "ext4", "xfs", "btrfs"].contains($0) }) {
            return "file system"
        }
        func both(_ pattern: Regex<Substring>) -> Bool {
            first.wholeMatch(of: pattern) != nil && second.wholeMatch(of: pattern) != nil
        }
        if both(#/[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/#) {
            return "random (UUID)"
        }
        if both(#/(?:0x)?[0-9a-fA-F]{7,}/#) { return "random (hex digits)" }
        if both(#/[+-]?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?/#) { return "random or measured number" }
        if both(#/.*(?:tmp|temp|build-).*/#) { return "random (temporary name)" }
        if both(#/[A-Za-z0-9+\/_\-]{10,}={0,2}/#) { return "random" }
        return "other text"
    }

    // MARK: times

    /// The text with each moment replaced by one sign.
    private func withoutTimes(_ text: String) -> String {
        let days = #/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? ?/#
        let months =
            #/(?:[0-9]{1,2}[ -])?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*(?:[ -]+[0-9]{1,2}\b)?/#
        let dates = #/[0-9]{4}[-\/.][0-9]{1,2}[-\/.][0-9]{1,2}|[0-9]{1,2}[\/.][0-9]{1,2}[\/.][0-9]{4}/#
        let clock = #/[T ]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]+)?/#
        let numbers = #/[0-9]{10,20}(?:\.[0-9]+)?/#
        let compact = #/20[0-9]{6}(?:[T_\-]?[0-9]{4,6})?/#
        return text.replacing(clock, with: "⏱").replacing(dates, with: "⏱").replacing(numbers) { match in
            let whole = match.output.prefix { $0 != "." }
            return UInt64(whole).map { inspector.isTime($0) } == true ? "⏱" : String(match.output)
        }.replacing(compact, with: "⏱").replacing(months, with: "⏱").replacing(days, with: "⏱")
    }

    // MARK: where they differ

    /// The first lines that are not the same.
    private static func firstDifference(_ first: [Substring], _ second: [Substring]) -> (String, String) {
        let index = zip(first, second).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        guard let index else {
            let common = min(first.count, second.count)
            return (
                first.dropFirst(common).first.map(String.init) ?? "",
                second.dropFirst(common).first.map(String.init) ?? ""
            )
        }
        return (String(first[index]), String(second[index]))
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_-.+/=".contains(character)
    }

    private static func words(_ text: String) -> [Substring] {
        text.split { !isOfWord($0) }
    }

    /// The words around the first place in which two lines differ.
    private static func differingWords(_ first: String, _ second: String) -> (String, String) {
        let (a, b) = (words(first), words(second))
        for (before, after) in zip(a, b) where before != after { return (String(before), String(after)) }
        return (first, second)
    }

    private func shown(_ first: String, _ second: String) -> String {
        func short(_ text: String) -> String { text.count <= 60 ? text : text.prefix(57) + "…" }
        return "'\(short(first))', then '\(short(second))'"
    }
}

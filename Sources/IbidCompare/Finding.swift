public import IbidModel

/// What a sealed rule says of an output whose bytes differ.
public struct Finding: Hashable, Sendable {
    /// Whether the rule calls them equal.
    public var isEqual: Bool
    /// The measured difference, or why the rule could not be applied, in one line.
    public var detail: String

    /// Files that are larger are not read by any rule: 256 MiB.
    public static let largestFile = 256 << 20

    /// Makes a finding.
    public init(isEqual: Bool, detail: String) {
        self.isEqual = isEqual
        self.detail = detail
    }
}

extension CompareRule {
    /// Applies the rule to two files.
    ///
    /// Both are untrusted: a file that is not what its name says, damaged or larger than it claims is `different`, and
    /// costs no more than its length.
    public func judge(path: String, before: [UInt8], after: [UInt8]) -> Finding {
        if before == after { return Finding(isEqual: true, detail: "the same bytes") }
        guard max(before.count, after.count) <= Finding.largestFile else {
            return Finding(isEqual: false, detail: "larger than the \(Finding.largestFile >> 20) MiB that a rule reads")
        }
        switch kind {
        case .bytes: return Finding(isEqual: false, detail: Explanation.firstDifference(before, after))
        case .ignore: return Finding(isEqual: true, detail: "not compared, as the job says")
        case .image: return PictureDifference.judge(self, before, after)
        case .text: return judgeText(before, after)
        case .numeric:
            let kind = FileKind(before, path: path)
            do throws(Unreadable) {
                let tally = try Tally.numeric(kind, path: path, before, after, Tolerance(self))
                return Finding(isEqual: tally.isEqual, detail: tally.summary())
            } catch {
                return Finding(
                    isEqual: false, detail: "could not be read as \(kind.rawValue): \(error.reason); bytes differ")
            }
        }
    }

    private func judgeText(_ before: [UInt8], _ after: [UInt8]) -> Finding {
        var patterns: [TextPattern] = []
        for text in dropPatterns {
            do {
                patterns.append(try TextPattern(text))
            } catch {
                return Finding(isEqual: false, detail: "the pattern '\(text)' \(error.reason)")
            }
        }
        // Enough for any text that the patterns were made for; a hostile one cannot make this take for ever.
        var budget = 10_000_000 + 64 * (before.count + after.count)
        func lines(_ bytes: [UInt8]) -> [[UInt8]]? {
            var lines: [[UInt8]] = []
            for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
                var kept = line.last == 13 ? Array(line.dropLast()) : Array(line)
                for pattern in patterns {
                    guard let rest = pattern.removed(from: kept[...], budget: &budget) else { return nil }
                    kept = rest
                }
                lines.append(kept)
            }
            return lines
        }
        guard let old = lines(before), let new = lines(after) else {
            return Finding(isEqual: false, detail: "the patterns take too long on this text; bytes differ")
        }
        guard old != new else {
            let what = patterns.isEmpty ? "but for line ends" : "but for what the patterns leave out"
            return Finding(isEqual: true, detail: "the same text \(what)")
        }
        if old.count != new.count { return Finding(isEqual: false, detail: "\(old.count) lines, now \(new.count)") }
        let differing = old.indices.filter { old[$0] != new[$0] }
        return Finding(
            isEqual: false,
            detail: "\(differing.count) of \(old.count) lines differ, first line \((differing.first ?? 0) + 1)")
    }

    /// The patterns of a `text` rule.
    public var dropPatterns: [String] {
        settings.filter { $0.key == "drop" || $0.key.hasPrefix("drop.") }.sorted { $0.key < $1.key }.map(\.value)
    }
}

extension Tally {
    /// Compares two files as numbers.
    static func numeric(
        _ kind: FileKind, path: String, _ old: [UInt8], _ new: [UInt8], _ tolerance: Tolerance
    ) throws(Unreadable) -> Tally {
        let other = FileKind(new, path: path)
        guard other == kind else { throw Unreadable(reason: "it is \(other.rawValue) now") }
        switch kind {
        case .csv: return tables(old, new, tolerance)
        case .tsv: return tables(old, new, separator: 9, tolerance)
        case .json:
            var tally = Tally(tolerance)
            tally.nodes(try JSONNode(old), try JSONNode(new))
            return tally
        case .jsonLines: return try jsonLines(old, new, tolerance)
        case .notebook: return try Notebook.compare(try JSONNode(old), try JSONNode(new), tolerance)
        case .numpy:
            var tally = Tally(tolerance)
            tally.arrays(try NumpyArray(old[...]), try NumpyArray(new[...]), named: "array")
            return tally
        case .zip: return try numpyArchive(old, new, tolerance)
        case .parquet: return try parquet(old, new, tolerance)
        case .sqlite: return try sqlite(old, new, tolerance)
        case .text, .svg:
            var tally = Tally(tolerance)
            tally.prose(
                String(decoding: old, as: UTF8.self), String(decoding: new, as: UTF8.self), group: "", at: "")
            return tally
        default: throw Unreadable(reason: "a form in which Ibid sees no numbers")
        }
    }

    private static func jsonLines(
        _ old: [UInt8], _ new: [UInt8], _ tolerance: Tolerance
    ) throws(Unreadable) -> Tally {
        let (before, after) = (old.split(separator: 10), new.split(separator: 10))
        var tally = Tally(tolerance)
        if before.count != after.count { tally.structure("\(before.count) lines, now \(after.count)") }
        for (line, (left, right)) in zip(before, after).enumerated() where left != right {
            tally.nodes(try JSONNode(Array(left)), try JSONNode(Array(right)), at: "line \(line + 1)")
        }
        return tally
    }

    /// `.npz`: an archive of arrays.
    private static func numpyArchive(
        _ old: [UInt8], _ new: [UInt8], _ tolerance: Tolerance
    ) throws(Unreadable) -> Tally {
        guard let before = Archive(zip: old), let after = Archive(zip: new) else {
            throw Unreadable(reason: "its directory is damaged")
        }
        let members = before.members + after.members
        guard !members.isEmpty, members.allSatisfy({ $0.name.hasSuffix(".npy") }) else {
            throw Unreadable(reason: "it holds other things than arrays of numpy")
        }
        guard [before, after].allSatisfy({ Set($0.members.map(\.name)).count == $0.members.count }) else {
            throw Unreadable(reason: "it holds two arrays of one name")
        }
        var tally = Tally(tolerance)
        for name in Set(members.map(\.name)).sorted() {
            guard let left = before.member(name), let right = after.member(name) else {
                tally.structure("\(name) is \(before.member(name) == nil ? "new" : "gone")")
                continue
            }
            guard let left = left.content(), let right = right.content() else {
                throw Unreadable(reason: "its member \(clip(name)) is damaged, or too large")
            }
            if left == right { continue }
            tally.arrays(
                try NumpyArray(left[...]), try NumpyArray(right[...]), named: String(name.dropLast(4)))
        }
        return tally
    }
}

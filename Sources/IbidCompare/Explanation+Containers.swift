extension Explanation {
    static func archive(
        _ kind: FileKind, _ before: [UInt8], _ after: [UInt8], _ budget: inout ExplanationBudget
    ) -> Explanation {
        let read = { (bytes: [UInt8]) in kind == .zip ? Archive(zip: bytes) : Archive(tar: bytes) }
        guard let old = read(before), let new = read(after) else { return binary(kind, before, after) }
        var lines: [String] = []
        var natures: Set<Nature> = []
        let names = old.members.map(\.name)
        for name in Set(names).union(new.members.map(\.name)).sorted() {
            let shown = Tally.clip(name)
            guard let left = old.member(name), let right = new.member(name) else {
                lines.append("\(shown) is \(old.member(name) == nil ? "new" : "gone")")
                natures.insert(.content)
                continue
            }
            if left.time != right.time {
                lines.append("\(shown): time \(time(left.time, kind)) → \(time(right.time, kind))")
                natures.insert(.times)
            }
            if left.mode != right.mode || left.owner != right.owner {
                let (was, now) = (
                    "\(String(left.mode, radix: 8)) \(left.owner)", "\(String(right.mode, radix: 8)) \(right.owner)"
                )
                lines.append("\(shown): mode and owner \(was) → \(now)")
                natures.insert(.content)
            }
            if let inner = member(left, right, &budget) {
                lines.append("\(shown): \(inner.summary)")
                lines += inner.lines.prefix(5).map { "  " + $0 }
                natures.insert(inner.nature)
            }
        }
        if natures.isEmpty {
            let isReordered = names != new.members.map(\.name)
            return Explanation(
                kind, isReordered ? .order : .form,
                isReordered ? "the same members, in another order" : "the same members, written differently")
        }
        let nature = natures.count == 1 ? natures.first ?? .content : natures == [.times, .form] ? .times : .content
        let summary = nature == .times ? "only times differ: " : ""
        return Explanation(kind, nature, summary + (lines.first ?? ""), lines: Array(lines.prefix(40)))
    }

    private static func member(
        _ old: Archive.Member, _ new: Archive.Member, _ budget: inout ExplanationBudget
    ) -> Explanation? {
        guard budget.bytes > 0, let left = old.content(), let right = new.content() else {
            return Explanation(.binary, .content, "not unpacked: damaged, or too large")
        }
        budget.bytes -= left.count + right.count
        if left == right { return nil }
        return nested(path: old.name, left, right, &budget)
    }

    private static func nested(
        path: String, _ before: [UInt8], _ after: [UInt8], _ budget: inout ExplanationBudget
    ) -> Explanation {
        guard budget.depth < 3 else { return binary(FileKind(before, path: path), before, after) }
        budget.depth += 1
        defer { budget.depth -= 1 }
        var inner = explain(path: path, before, after, &budget)
        inner.pictures = nil
        return inner
    }

    // DOS has years from 1980 and steps of two seconds.
    private static func time(_ value: UInt64, _ kind: FileKind) -> String {
        guard kind == .zip else { return "\(value)" }
        let (date, time) = (value >> 16, value & 0xFFFF)
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(1980 + date >> 9)-\(two(date >> 5 & 15))-\(two(date & 31)) "
            + "\(two(time >> 11)):\(two(time >> 5 & 63)):\(two(time & 31 * 2))"
    }

    /// The header of a gzip file holds a time and a name (RFC 1952).
    static func gzip(
        path: String, _ before: [UInt8], _ after: [UInt8], _ budget: inout ExplanationBudget
    ) -> Explanation {
        guard before.count > 18, after.count > 18,
            let old = Zlib.inflate(before[...], .gzip, limit: min(budget.bytes, Archive.Member.largest)),
            let new = Zlib.inflate(after[...], .gzip, limit: min(budget.bytes, Archive.Member.largest))
        else { return binary(.gzip, before, after) }
        budget.bytes -= old.count + new.count
        func time(_ bytes: [UInt8]) -> Int { (4..<8).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) } }
        var lines: [String] = []
        if time(before) != time(after) { lines.append("header: time \(time(before)) → \(time(after))") }
        if old == new {
            return lines.isEmpty
                ? Explanation(.gzip, .form, "the same content, written differently")
                : Explanation(.gzip, .times, "only times differ: \(lines[0])", lines: lines)
        }
        let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path.hasSuffix(".tgz") ? path + ".tar" : path
        let inner = nested(path: name, old, new, &budget)
        let nature = lines.isEmpty || inner.nature == .times ? inner.nature : .content
        return Explanation(
            .gzip, nature, "inside, \(inner.kind.rawValue): \(inner.summary)", lines: lines + inner.lines)
    }

    static func pickle(_ before: [UInt8], _ after: [UInt8]) -> Explanation {
        guard let old = Pickle.steps(before), let new = Pickle.steps(after) else {
            return binary(.pickle, before, after)
        }
        func key(_ step: Pickle.Step) -> [String] { step.name == "FRAME" ? [] : [step.name, step.argument] }
        let differing = zip(old, new).filter { key($0) != key($1) }
        guard let first = differing.first else {
            return Explanation(.pickle, .form, "\(old.count) opcodes, now \(new.count)")
        }
        func words(_ step: Pickle.Step) -> String { step.name + (step.argument.isEmpty ? "" : " " + step.argument) }
        let lines = differing.prefix(20).map { "at byte \($0.offset): \(words($0)) → \(words($1))" }
        let isReordered =
            old.count == new.count
            && old.map(key).sorted(by: { $0.lexicographicallyPrecedes($1) })
                == new.map(key).sorted(by: { $0.lexicographicallyPrecedes($1) })
        let texts = { (steps: [Pickle.Step]) in Array(steps.map(words).joined(separator: "\n").utf8) }
        let nature = isReordered ? .order : TextShape.between(texts(old), texts(new))?.nature ?? .content
        let summary =
            isReordered
            ? "the same opcodes, in another order"
            : "opcode at byte \(first.0.offset): \(words(first.0)) → \(words(first.1))"
        return Explanation(.pickle, nature, summary, lines: lines)
    }

    static func pdf(_ before: [UInt8], _ after: [UInt8]) -> Explanation {
        let dates = TextShape.pdfDates(before, after)
        if dates.isOnlyDifference {
            return Explanation(.pdf, .times, "only its dates differ" + (dates.example.map { ": " + $0 } ?? ""))
        }
        var explanation = binary(.pdf, before, after)
        let place = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
        if let object = TextShape.pdfObject(before, at: place) { explanation.summary += ", in object \(object)" }
        return explanation
    }
}

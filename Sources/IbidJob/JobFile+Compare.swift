import IbidCompare
import IbidModel
import IbidTOML

extension JobFile {
    /// `[compare]`: pattern = rule, in the order of the file, since the first that matches decides.
    static func compare(_ root: JobTable) throws -> [CompareRule] {
        let all = try root.table("compare", in: "compare")
        return try all.keys.map { pattern in
            guard let node = all.members[pattern] else { throw all.invalid(pattern, "is missing") }
            try check(pattern: pattern, line: node.line, file: root.file)
            if case .string(let rule) = node.value {
                return CompareRule(pattern: pattern, kind: try kind(rule, of: pattern, in: all))
            }
            guard case .table = node.value else {
                throw all.mismatch(pattern, node, expected: #"a rule such as "ignore" or { rule = "numeric", … }"#)
            }
            let table = try all.table(pattern, in: "compare.\"\(pattern)\"")
            guard let rule = try table.string("rule") else {
                throw all.invalid(pattern, "has no 'rule'", hint: "rules are \(rules)")
            }
            return try self.rule(try kind(rule, of: "rule", in: table), pattern: pattern, table)
        }
    }

    private static var rules: String { CompareRule.Kind.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func kind(_ text: String, of key: String, in table: JobTable) throws -> CompareRule.Kind {
        if let kind = CompareRule.Kind(rawValue: text) { return kind }
        let near = Spelling.nearest(to: text, among: CompareRule.Kind.allCases.map(\.rawValue))
        throw table.invalid(
            key, "names the rule '\(text)', expected one of \(rules)", hint: near.map { "did you mean '\($0)'?" })
    }

    private static func rule(_ kind: CompareRule.Kind, pattern: String, _ table: JobTable) throws -> CompareRule {
        var settings: [String: String] = [:]
        switch kind {
        case .bytes, .ignore:
            try table.allow("rule")
        case .numeric:
            try table.allow("rule", "rtol", "atol")
            for key in ["rtol", "atol"] { settings[key] = try tolerance(key, in: table) }
        case .image:
            try table.allow("rule", "threshold", "pixels")
            for key in ["threshold", "pixels"] { settings[key] = try share(key, in: table) }
        case .text:
            try table.allow("rule", "drop")
            settings = try drops(table)
        }
        return CompareRule(pattern: pattern, kind: kind, settings: settings)
    }

    /// `drop`: one regular expression, or several.
    private static func drops(_ table: JobTable) throws -> [String: String] {
        guard let node = table.members["drop"] else { return [:] }
        let expected = "a regular expression, as a string, or an array of them"
        var patterns: [String] = []
        if case .array = node.value {
            patterns = try table.strings("drop", expected: expected)?.map(\.text) ?? []
        } else {
            patterns = [try table.string("drop", expected: expected) ?? ""]
        }
        for pattern in patterns {
            do throws(TextPattern.Malformed) {
                _ = try TextPattern(pattern)
            } catch {
                throw table.invalid("drop", "has the pattern '\(pattern)', which \(error.reason)")
            }
        }
        if patterns.count == 1 { return ["drop": patterns[0]] }
        // Settings are texts by name; with leading zeros their names have the order of the file.
        return Dictionary(
            uniqueKeysWithValues: patterns.enumerated().map { ("drop.\($0 < 10 ? "0" : "")\($0)", $1) })
    }

    private static func share(_ key: String, in table: JobTable) throws -> String? {
        guard let value = try table.number(key) else { return nil }
        guard (0...1).contains(value) else { throw table.invalid(key, "is outside of 0 to 1") }
        return try table.text(key)
    }

    private static func tolerance(_ key: String, in table: JobTable) throws -> String? {
        guard let value = try table.number(key) else { return nil }
        guard value >= 0 || value.isNaN else { throw table.invalid(key, "is negative, expected 0 or more") }
        guard value.isFinite else { throw table.invalid(key, "is no finite number, so it is no tolerance") }
        return try table.text(key)
    }
}

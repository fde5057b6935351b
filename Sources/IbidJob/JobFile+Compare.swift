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
            try table.allow("rule", "threshold")
            settings["threshold"] = try tolerance("threshold", in: table)
        case .text:
            try table.allow("rule", "drop")
            settings["drop"] = try table.string("drop", expected: "a regular expression, as a string")
        }
        return CompareRule(pattern: pattern, kind: kind, settings: settings)
    }

    private static func tolerance(_ key: String, in table: JobTable) throws -> String? {
        guard let value = try table.number(key) else { return nil }
        guard value >= 0 else { throw table.invalid(key, "is negative, expected 0 or more") }
        return try table.text(key)
    }
}

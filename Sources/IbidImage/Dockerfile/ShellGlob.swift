/// The patterns of `${x#pattern}`, `${x%pattern}` and `${x/pattern/text}`: `*`, `?` and a backslash that escapes.
struct ShellGlob {
    private enum Token {
        case any
        case one
        case literal(Unicode.Scalar)
    }

    private let tokens: [Token]

    private init(tokens: [Token]) { self.tokens = tokens }

    init(_ pattern: String) {
        var tokens: [Token] = []
        var escaped = false
        for scalar in pattern.unicodeScalars {
            if escaped {
                tokens.append(.literal(scalar))
                escaped = false
            } else if scalar == "\\" {
                escaped = true
            } else if scalar == "*" {
                // Stars in a row are one star; more would only cost time.
                if case .any = tokens.last { continue }
                tokens.append(.any)
            } else {
                tokens.append(scalar == "?" ? .one : .literal(scalar))
            }
        }
        if escaped { tokens.append(.literal("\\")) }
        self.tokens = tokens
    }

    func removingPrefix(of value: String, longest: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        let ends = matchEnds(in: scalars, from: 0)
        guard let end = longest ? ends.last : ends.first else { return value }
        return Self.text(scalars[end...])
    }

    func removingSuffix(of value: String, longest: Bool) -> String {
        // Backwards a suffix is a prefix.
        let reversed = ShellGlob(tokens: tokens.reversed())
        let backwards = String(String.UnicodeScalarView(value.unicodeScalars.reversed()))
        let rest = reversed.removingPrefix(of: backwards, longest: longest)
        return String(String.UnicodeScalarView(rest.unicodeScalars.reversed()))
    }

    /// Whether looking for the pattern takes a time that nobody notices.
    ///
    /// - Parameter repeatedly: whether it is looked for at every place of the value.
    func isCheap(for value: String, repeatedly: Bool) -> Bool {
        let length = value.utf8.count + 1
        let (cost, overflow) = (repeatedly ? length * length : length).multipliedReportingOverflow(by: tokens.count + 1)
        return length <= ShellLexer.longest && !overflow && cost <= 20_000_000
    }

    func replacing(in value: String, with text: String, all: Bool) -> String {
        let scalars = Array(value.unicodeScalars)
        var result = ""
        var position = 0
        while position <= scalars.count {
            if let end = matchEnds(in: scalars, from: position).last, end > position {
                result += text
                position = end
                if !all { return result + Self.text(scalars[position...]) }
            } else {
                if position < scalars.count { result.unicodeScalars.append(scalars[position]) }
                position += 1
            }
        }
        return result
    }

    /// Every position at which a match that begins at `start` can end, ascending: the pattern as a set of states, so
    /// that the time is the product of the lengths, whatever the pattern.
    private func matchEnds(in scalars: [Unicode.Scalar], from start: Int) -> [Int] {
        var states: Set<Int> = [0]
        var ends: [Int] = []
        var position = start
        while true {
            // A star matches nothing, too.
            for index in tokens.indices where states.contains(index) {
                if case .any = tokens[index] { states.insert(index + 1) }
            }
            if states.contains(tokens.count) { ends.append(position) }
            guard position < scalars.count, !states.isEmpty else { return ends }
            var following: Set<Int> = []
            for state in states where state < tokens.count {
                switch tokens[state] {
                case .any: following.insert(state)
                case .one: following.insert(state + 1)
                case .literal(let scalar): if scalar == scalars[position] { following.insert(state + 1) }
                }
            }
            states = following
            position += 1
        }
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }
}

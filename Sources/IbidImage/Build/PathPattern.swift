/// A path pattern: `*`, `?`, `[a-z]` within a component, `**` across components, a backslash escapes.
///
/// As moby's `patternmatcher` has it, `**` within a pattern ends at a slash (`a**b` is `ab`, `ax/b`, not `axb`); only
/// at the end, and at the beginning before a plain name (`**.pyc`), it is anything.
struct PathPattern {
    private enum Token {
        case literal(Unicode.Scalar)
        case one
        case any
        /// `**`: anything, slashes too.
        case deep
        /// The beginning of `**` that ends at a slash: goes on with `components`, or passes over it.
        case directories
        /// The rest of it: anything up to a slash.
        case components
        case set([ClosedRange<Unicode.Scalar>], negated: Bool)
    }

    private let tokens: [Token]
    /// Whether it is a name without wildcards.
    let isLiteral: Bool

    /// The name it stands for, without escapes; nil when it has wildcards.
    var literal: String? {
        guard isLiteral else { return nil }
        var name = String.UnicodeScalarView()
        for case .literal(let scalar) in tokens { name.append(scalar) }
        return String(name)
    }

    /// - Parameter crossing: whether `**` means more than `*`.
    /// - Returns: nil when a bracket is not closed or empty, or a backslash ends the pattern.
    init?(_ pattern: String, crossing: Bool = true) {
        var tokens: [Token] = []
        var wild = false
        var rest = Array(pattern.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*":
                wild = true
                guard crossing, rest.first == "*" else {
                    tokens.append(.any)
                    continue
                }
                rest.removeFirst()
                let isPlain =
                    tokens.isEmpty && rest.first != "/" && !rest.contains { "*?[]\\".unicodeScalars.contains($0) }
                if rest.first == "/" { rest.removeFirst() }
                tokens += rest.isEmpty || isPlain ? [.deep] : [.directories, .components]
            case "?":
                wild = true
                tokens.append(.one)
            case "[":
                wild = true
                guard let set = Self.set(&rest) else { return nil }
                tokens.append(set)
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                tokens.append(.literal(escaped))
            default: tokens.append(.literal(scalar))
            }
        }
        self.tokens = tokens
        isLiteral = !wild
    }

    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Token? {
        var negated = false
        if rest.first == "^" {
            negated = true
            rest.removeFirst()
        }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let scalar = rest.popFirst() {
            if scalar == "]", !ranges.isEmpty { return .set(ranges, negated: negated) }
            guard let low = scalar == "\\" ? rest.popFirst() : scalar else { return nil }
            var high = low
            if rest.first == "-", rest.dropFirst().first != "]" {
                rest.removeFirst()
                guard let next = rest.popFirst(), let bound = next == "\\" ? rest.popFirst() : next, bound >= low
                else { return nil }
                high = bound
            }
            ranges.append(low...high)
        }
        return nil
    }

    /// Whether the whole path matches. The time is the product of the lengths, whatever the pattern.
    func matches(_ path: String) -> Bool {
        var states: Set<Int> = closure([0])
        for scalar in path.unicodeScalars {
            var following: Set<Int> = []
            for state in states where state < tokens.count {
                switch tokens[state] {
                case .literal(let wanted): if scalar == wanted { following.insert(state + 1) }
                case .one: if scalar != "/" { following.insert(state + 1) }
                case .any: if scalar != "/" { following.insert(state) }
                case .deep: following.insert(state)
                case .directories: break
                case .components:
                    following.insert(state)
                    if scalar == "/" { following.insert(state + 1) }
                case .set(let ranges, let negated):
                    if scalar != "/", ranges.contains(where: { $0.contains(scalar) }) != negated {
                        following.insert(state + 1)
                    }
                }
            }
            if following.isEmpty { return false }
            states = closure(following)
        }
        return states.contains(tokens.count)
    }

    /// The states that are reached without reading anything.
    private func closure(_ states: Set<Int>) -> Set<Int> {
        var closed = states
        var open = Array(states)
        while let state = open.popLast() {
            guard state < tokens.count else { continue }
            let reached: [Int]
            switch tokens[state] {
            case .any, .deep: reached = [state + 1]
            case .directories: reached = [state + 1, state + 2]
            default: reached = []
            }
            for next in reached where closed.insert(next).inserted { open.append(next) }
        }
        return closed
    }
}

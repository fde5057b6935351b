/// A pattern over output paths, as `outputs = ["results/**"]` in `job.toml` uses it.
///
/// `*` and `?` stay inside one path component, `**` as a whole component stands for any number of them, `[a-z]` and
/// `[!a-z]` are sets of characters. There is no escape character (a backslash is itself, since recorded paths contain
/// some): `[*]` is a star. A pattern that names a directory takes everything below it. Letters are compared as
/// Unicode scalars, never folded.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as it was written.
    public let pattern: String
    private let components: [Component]
    private let absolute: Bool

    /// The pattern as it was written.
    public var description: String { pattern }

    private enum Component: Hashable, Sendable {
        case anyDepth
        case name([Token])
    }

    private enum Token: Hashable, Sendable {
        case scalar(Unicode.Scalar)
        case anyOne
        case anyRun
        case set([ClosedRange<Unicode.Scalar>], negated: Bool)
    }

    /// Why a pattern is refused: a clause to put behind the pattern.
    public struct Malformed: Error, Hashable, Sendable {
        /// Such as `has no closing ']'`.
        public let reason: String
    }

    /// Reads a pattern.
    ///
    /// - Throws: `Malformed` when it could never match an output, or is ambiguous.
    public init(_ pattern: String) throws(Malformed) {
        self.pattern = pattern
        absolute = pattern.unicodeScalars.first == "/"
        guard !pattern.isEmpty else { throw Malformed(reason: "is empty") }
        let text = Array(pattern.unicodeScalars)
        var body = text[(absolute ? 1 : 0)...]
        if body.last == "/" { body = body.dropLast() }
        var components: [Component] = []
        for part in body.split(separator: "/", omittingEmptySubsequences: false) {
            components.append(try Self.component(part))
        }
        if absolute && components.first != .name("outputs".unicodeScalars.map(Token.scalar)) {
            throw Malformed(reason: "is absolute, and only '/outputs/…' lies outside the working directory")
        }
        self.components = components
    }

    /// Whether the pattern takes this path: relative to the working directory, or `/outputs/…`.
    public func matches(_ path: String) -> Bool {
        let scalars = Array(path.unicodeScalars)
        guard (scalars.first == "/") == absolute else { return false }
        let names = scalars[(absolute ? 1 : 0)...].split(separator: "/")
        return Self.matches(components[...], names[...])
    }

    private static func component(_ text: ArraySlice<Unicode.Scalar>) throws(Malformed) -> Component {
        guard let first = text.first else { throw Malformed(reason: "has an empty path component") }
        if text.count == 2, text.allSatisfy({ $0 == "*" }) { return .anyDepth }
        if first == ".", text.count == 1 || (text.count == 2 && text.last == ".") {
            throw Malformed(reason: "has a component '.' or '..'; paths are relative to the working directory")
        }
        var tokens: [Token] = []
        var rest = text
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*":
                guard tokens.last != .anyRun else {
                    throw Malformed(reason: "has '**' beside other characters; it must be a whole component")
                }
                tokens.append(.anyRun)
            case "?": tokens.append(.anyOne)
            case "[": tokens.append(try set(&rest))
            case "{", "}":
                throw Malformed(reason: "has a brace; write one pattern for each choice, or '[{]' for the character")
            default: tokens.append(.scalar(scalar))
            }
        }
        return .name(tokens)
    }

    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) throws(Malformed) -> Token {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let negated = rest.first == "!" || rest.first == "^"
        if negated { rest.removeFirst() }
        while let low = rest.popFirst() {
            if low == "]" && !ranges.isEmpty { return .set(ranges, negated: negated) }
            guard rest.first == "-", let high = rest.dropFirst().first, high != "]" else {
                ranges.append(low...low)
                continue
            }
            guard low <= high else { throw Malformed(reason: "has the empty range '\(low)-\(high)'") }
            ranges.append(low...high)
            rest = rest.dropFirst(2)
        }
        throw Malformed(reason: "has no closing ']'")
    }

    private static func matches(
        _ components: ArraySlice<Component>, _ names: ArraySlice<ArraySlice<Unicode.Scalar>>
    ) -> Bool {
        // As in a single component below: only the last '**' ever has to be widened, so this is not exponential.
        var (component, name) = (components.startIndex, names.startIndex)
        var retry: (component: Int, name: Int)?
        while name < names.endIndex {
            if component == components.endIndex { return true }  // it named a directory above
            switch components[component] {
            case .anyDepth:
                component += 1
                if component == components.endIndex { return true }
                retry = (component, name)
                continue
            case .name(let tokens) where matches(tokens, Array(names[name])):
                component += 1
                name += 1
                continue
            case .name: break
            }
            guard let last = retry else { return false }
            retry = (last.component, last.name + 1)
            (component, name) = (last.component, last.name + 1)
        }
        return component == components.endIndex
    }

    private static func matches(_ tokens: [Token], _ name: [Unicode.Scalar]) -> Bool {
        var (token, index) = (0, 0)
        var retry: (token: Int, index: Int)?
        while index < name.count || token < tokens.count {
            if token < tokens.count {
                if tokens[token] == .anyRun {
                    retry = (token, index + 1)
                    token += 1
                    continue
                }
                if index < name.count, matches(tokens[token], name[index]) {
                    token += 1
                    index += 1
                    continue
                }
            }
            guard let last = retry, last.index <= name.count else { return false }
            retry = (last.token, last.index + 1)
            (token, index) = (last.token + 1, last.index)
        }
        return true
    }

    private static func matches(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .scalar(let own): own == scalar
        case .anyOne: true
        case .anyRun: false
        case .set(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
        }
    }
}

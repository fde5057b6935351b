/// Compiles a pattern into the instructions of `TextPattern` (Thompson's construction).
struct TextPatternParser {
    private typealias Instruction = TextPattern.Instruction
    private typealias Malformed = TextPattern.Malformed

    private var rest: Substring.UnicodeScalarView
    private var depth = 0
    private static let largestProgram = 4_096

    static func compile(_ text: String) throws(TextPattern.Malformed) -> [TextPattern.Instruction] {
        guard !text.isEmpty else { throw Malformed(reason: "is empty") }
        var parser = TextPatternParser(rest: text[...].unicodeScalars)
        let program = try parser.alternatives()
        if parser.rest.first != nil { throw Malformed(reason: "has a ')' that closes nothing") }
        return program + [.match]
    }

    private init(rest: Substring.UnicodeScalarView) { self.rest = rest }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func alternatives() throws(TextPattern.Malformed) -> [Instruction] {
        var program = try sequence()
        while take("|") {
            let other = try sequence()
            // Addresses inside a fragment are relative until it is placed; here everything moves behind the split.
            program =
                [.split(1, program.count + 2)] + Self.moved(program, by: 1) + [.jump(program.count + other.count + 2)]
                + Self.moved(other, by: program.count + 2)
        }
        return program
    }

    private mutating func sequence() throws(TextPattern.Malformed) -> [Instruction] {
        var program: [Instruction] = []
        while let next = rest.first, next != "|", next != ")" {
            var piece = try atom()
            while let quantifier = rest.first, "*+?{".unicodeScalars.contains(quantifier) {
                guard let (low, high) = try repetition() else { break }
                piece = Self.repeated(piece, low, high)
                guard piece.count <= Self.largestProgram else { throw Malformed(reason: "is too large") }
            }
            program += Self.moved(piece, by: program.count)
            guard program.count <= Self.largestProgram else { throw Malformed(reason: "is too large") }
        }
        return program
    }

    private static func moved(_ program: [Instruction], by offset: Int) -> [Instruction] {
        program.map { instruction in
            switch instruction {
            case .split(let one, let other): .split(one + offset, other + offset)
            case .jump(let target): .jump(target + offset)
            default: instruction
            }
        }
    }

    private static func repeated(_ piece: [Instruction], _ low: Int, _ high: Int?) -> [Instruction] {
        var program: [Instruction] = []
        for _ in 0..<low { program += moved(piece, by: program.count) }
        if let high {
            // Each further time is optional: (piece(piece)?)?
            for _ in low..<max(low, high) {
                let start = program.count
                program.append(.split(start + 1, start + 1 + piece.count))
                program += moved(piece, by: start + 1)
            }
        } else {
            let start = program.count
            program.append(.split(start + 1, start + piece.count + 2))
            program += moved(piece, by: start + 1) + [.jump(start)]
        }
        return program
    }

    // Nil for a brace that is no repetition: it stands for itself.
    private mutating func repetition() throws(TextPattern.Malformed) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let text = rest.dropFirst().prefix { $0 != "}" }
        let parts = String(text).split(separator: ",", omittingEmptySubsequences: false)
        guard let low = parts.first.flatMap({ Int($0) }), parts.count <= 2, text.endIndex < rest.endIndex else {
            throw Malformed(reason: "has a '{' that is neither a repetition nor written '\\{'")
        }
        let high = parts.count == 1 ? low : parts[1].isEmpty ? nil : Int(parts[1])
        guard (0...1_000).contains(low), (high ?? low) >= low, (high ?? 0) <= 1_000 else {
            throw Malformed(reason: "has a repetition that counts wrongly or beyond 1000")
        }
        rest = rest[text.endIndex...].dropFirst()
        return (low, high)
    }

    private mutating func atom() throws(TextPattern.Malformed) -> [Instruction] {
        guard let scalar = rest.popFirst() else { throw Malformed(reason: "ends too early") }
        switch scalar {
        case "(":
            if rest.starts(with: "?:".unicodeScalars) { rest.removeFirst(2) }
            depth += 1
            guard depth <= 50 else { throw Malformed(reason: "is nested too deeply") }
            let inner = try alternatives()
            guard take(")") else { throw Malformed(reason: "has no ')' for a '('") }
            depth -= 1
            return inner
        case "[": return try characterClass()
        case ".": return Self.anyCharacter
        case "^": return [.start]
        case "$": return [.end]
        case "*", "+", "?": throw Malformed(reason: "repeats nothing with '\(scalar)'")
        case "\\":
            guard let escaped = rest.popFirst() else { throw Malformed(reason: "ends with a backslash") }
            if let set = try Self.escape(escaped) { return [.set(set)] }
            return Self.literal(escaped)
        default: return Self.literal(scalar)
        }
    }

    private static func literal(_ scalar: Unicode.Scalar) -> [Instruction] {
        String(scalar).utf8.map { .set(TextPattern.ByteSet([$0])) }
    }

    // One ASCII byte, or one byte that begins a character and those that go on with it.
    private static let anyCharacter: [Instruction] = [
        .split(1, 3), .set(TextPattern.ByteSet((0..<128).map { UInt8($0) })), .jump(7),
        .set(TextPattern.ByteSet((128...255).map { UInt8($0) })), .split(5, 7),
        .set(TextPattern.ByteSet((128..<192).map { UInt8($0) })), .jump(4),
    ]

    private static func escape(_ scalar: Unicode.Scalar) throws(TextPattern.Malformed) -> TextPattern.ByteSet? {
        let digits = TextPattern.ByteSet(48...57)
        let blanks = TextPattern.ByteSet([32, 9, 10, 11, 12, 13])
        var word = TextPattern.ByteSet(Array(65...90) + Array(97...122) + [95])
        word.formUnion(digits)
        switch scalar {
        case "d": return digits
        case "w": return word
        case "s": return blanks
        case "D": return digits.inverted
        case "W": return word.inverted
        case "S": return blanks.inverted
        case "t": return TextPattern.ByteSet([9])
        case _ where scalar.properties.isAlphabetic || ("0"..."9").contains(scalar):
            throw Malformed(reason: "has '\\\(scalar)', which means nothing here")
        default: return nil
        }
    }

    private mutating func characterClass() throws(TextPattern.Malformed) -> [Instruction] {
        let isNegated = take("^")
        var set = TextPattern.ByteSet()
        var isFirst = true
        while let scalar = rest.popFirst() {
            if scalar == "]" && !isFirst { return [.set(isNegated ? set.inverted : set)] }
            isFirst = false
            var low = scalar
            if scalar == "\\" {
                guard let escaped = rest.popFirst() else { break }
                if let other = try Self.escape(escaped) {
                    set.formUnion(other)
                    continue
                }
                low = escaped
            }
            var high = low
            if rest.first == "-", rest.dropFirst().first.map({ $0 != "]" }) == true {
                rest.removeFirst()
                high = rest.removeFirst()
            }
            guard low.isASCII, high.isASCII, low <= high else {
                throw Malformed(reason: "has a class with something other than ASCII, or a range upside down")
            }
            for value in low.value...high.value { set.insert(UInt8(value)) }
        }
        throw Malformed(reason: "has no ']' for a '['")
    }
}

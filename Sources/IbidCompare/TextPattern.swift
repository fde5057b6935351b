/// A regular expression that is matched in time proportional to the text, whatever both say: the text is an analysis'
/// output, and a matcher that backtracks can be made to run for ever.
///
/// Literals, `.`, `[…]`, `\d \w \s \D \W \S`, `* + ? {m,n}`, `|`, groups, `^` and `$`. Of matches that begin at one
/// place the longest counts. Letters are bytes of UTF-8: `.` is one character, a class holds ASCII.
public struct TextPattern: Sendable {
    /// Why text is no pattern.
    public struct Malformed: Error, Hashable {
        /// To be put after the pattern: `has no ')'`.
        public var reason: String
    }

    let program: [Instruction]
    /// The bytes with which a match that is not empty can begin.
    private let first: ByteSet

    enum Instruction: Sendable {
        case set(ByteSet)
        case split(Int, Int)
        case jump(Int)
        case start
        case end
        case match
    }

    struct ByteSet: Sendable, Hashable {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }
        func hash(into hasher: inout Hasher) { hasher.combine(words.0 ^ words.1 ^ words.2 ^ words.3) }

        init(_ bytes: some Sequence<UInt8> = []) { for byte in bytes { insert(byte) } }

        func contains(_ byte: UInt8) -> Bool {
            let bit = UInt64(1) << UInt64(byte & 63)
            switch byte >> 6 {
            case 0: return words.0 & bit != 0
            case 1: return words.1 & bit != 0
            case 2: return words.2 & bit != 0
            default: return words.3 & bit != 0
            }
        }

        mutating func insert(_ byte: UInt8) {
            let bit = UInt64(1) << UInt64(byte & 63)
            switch byte >> 6 {
            case 0: words.0 |= bit
            case 1: words.1 |= bit
            case 2: words.2 |= bit
            default: words.3 |= bit
            }
        }

        mutating func formUnion(_ other: ByteSet) {
            words = (
                words.0 | other.words.0, words.1 | other.words.1, words.2 | other.words.2, words.3 | other.words.3
            )
        }

        /// Of ASCII; what is not, stays outside.
        var inverted: ByteSet { ByteSet((0..<128).map { UInt8($0) }.filter { !contains($0) }) }
    }

    /// Reads a pattern.
    public init(_ text: String) throws(Malformed) {
        program = try TextPatternParser.compile(text)
        var (first, pending, seen) = (ByteSet(), [0], Set([0]))
        while let state = pending.popLast() {
            let next: [Int]
            switch program[state] {
            case .set(let set):
                first.formUnion(set)
                next = []
            case .split(let one, let other): next = [one, other]
            case .jump(let target): next = [target]
            case .start, .end: next = [state + 1]
            case .match: next = []
            }
            pending += next.filter { seen.insert($0).inserted }
        }
        self.first = first
    }

    /// The lines without what the pattern matches.
    ///
    /// - Parameter budget: the steps that may be spent, counted down; a step is one state of the pattern at one byte.
    /// - Returns: nil when the budget was not enough.
    func removed(from line: ArraySlice<UInt8>, budget: inout Int) -> [UInt8]? {
        var matcher = Matcher(program: program)
        var output: [UInt8] = []
        var index = line.startIndex
        while index < line.endIndex {
            if first.contains(line[index]), let end = matcher.longestMatch(in: line, from: index), end > index {
                index = end
            } else {
                output.append(line[index])
                index += 1
            }
            if matcher.steps > budget { return nil }
        }
        budget -= matcher.steps
        return output
    }

    private struct Matcher {
        let program: [Instruction]
        private(set) var steps = 0
        // A state is in the list of this generation when its mark says so; nothing has to be cleared in between.
        private var marks: [Int]
        private var generation = 0

        init(program: [Instruction]) {
            self.program = program
            marks = [Int](repeating: 0, count: program.count)
        }

        mutating func longestMatch(in line: ArraySlice<UInt8>, from start: Int) -> Int? {
            var (current, index): ([Int], Int) = ([], start)
            var found: Int?
            generation += 1
            add(0, at: index, of: line, to: &current, &found)
            while !current.isEmpty && index < line.endIndex {
                let byte = line[index]
                index += 1
                generation += 1
                var next: [Int] = []
                for state in current {
                    guard case .set(let set) = program[state], set.contains(byte) else { continue }
                    add(state + 1, at: index, of: line, to: &next, &found)
                }
                steps += current.count
                current = next
            }
            steps += 1
            return found
        }

        private mutating func add(
            _ first: Int, at index: Int, of line: ArraySlice<UInt8>, to list: inout [Int], _ found: inout Int?
        ) {
            var pending = [first]
            while let state = pending.popLast() {
                if marks[state] == generation { continue }
                marks[state] = generation
                steps += 1
                switch program[state] {
                case .jump(let next): pending.append(next)
                case .split(let one, let other): pending += [other, one]
                case .start: if index == line.startIndex { pending.append(state + 1) }
                case .end: if index == line.endIndex { pending.append(state + 1) }
                case .match: found = index
                case .set: list.append(state)
                }
            }
        }
    }
}

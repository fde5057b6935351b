/// `--chmod`: permissions in octal, or as changes of those that a file has (`u+x`, `go=`, `a=rX`, `u=g`).
struct FileMode: Hashable {
    /// The text, for keys.
    let text: String
    private let changes: [Change]
    private let number: UInt32?

    private struct Change: Hashable {
        /// The bits of `u`, `g` and `o` that it is about.
        var who: UInt32
        var operation: Character
        /// Of each class alike: 4, 2 and 1.
        var bits: UInt32
        /// `X`: execution for directories and for what somebody may execute already.
        var executesMaybe = false
        /// `s` and `t`.
        var special: UInt32 = 0
        /// The class whose permissions are taken: 6, 3 or 0 places from the right.
        var copied: UInt32?
    }

    /// - Returns: nil for what is neither.
    init?(_ text: String) {
        self.text = text
        if let first = text.utf8.first, (48...57).contains(first) {
            guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else { return nil }
            (number, changes) = (mode, [])
            return
        }
        var changes: [Change] = []
        for clause in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let read = Self.clause(clause) else { return nil }
            changes += read
        }
        (number, self.changes) = (nil, changes)
    }

    /// `[ugoa]*([-+=][rwxXst]*|[-+=][ugo])+`
    private static func clause(_ text: Substring) -> [Change]? {
        var rest = text
        var who: UInt32 = 0
        while let name = rest.first, let bits = ["u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777][name] as UInt32? {
            who |= bits
            rest.removeFirst()
        }
        if who == 0 { who = 0o7777 }
        var changes: [Change] = []
        while let operation = rest.popFirst() {
            guard "+-=".contains(operation) else { return nil }
            var change = Change(who: who, operation: operation, bits: 0)
            var isEmpty = true
            while let name = rest.first, !"+-=".contains(name) {
                switch name {
                case "r": change.bits |= 4
                case "w": change.bits |= 2
                case "x": change.bits |= 1
                case "X": change.executesMaybe = true
                case "s": change.special |= 0o6000
                case "t": change.special |= 0o1000
                case "u" where isEmpty: change.copied = 6
                case "g" where isEmpty: change.copied = 3
                case "o" where isEmpty: change.copied = 0
                default: return nil
                }
                // A class stands alone.
                if change.copied != nil, !isEmpty { return nil }
                isEmpty = false
                rest.removeFirst()
            }
            changes.append(change)
        }
        return changes.isEmpty ? nil : changes
    }

    /// The permissions of a file that had others.
    func applied(to mode: UInt32, isDirectory: Bool) -> UInt32 {
        if let number { return number }
        var result = mode & 0o7777
        for change in changes {
            var bits = change.copied.map { result >> $0 & 7 } ?? change.bits
            if change.executesMaybe, isDirectory || result & 0o111 != 0 { bits |= 1 }
            let value = (bits << 6 | bits << 3 | bits | change.special) & change.who
            switch change.operation {
            case "+": result |= value
            case "-": result &= ~value
            default: result = result & ~change.who | value
            }
        }
        return result
    }
}

/// Numbers as files write them.
enum NumberText {
    /// The number that a whole text is; nil for anything else, hexadecimal and underscores included.
    static func parse(_ text: some StringProtocol) -> Double? {
        guard text.utf8.count <= 400, let first = text.utf8.first, let last = text.unicodeScalars.last else {
            return nil
        }
        let isPlain = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || byte == 43 || byte == 45 || byte == 46 || byte | 0x20 == 0x65
        }
        if isPlain { return ("0"..."9").contains(last) || last == "." ? Double(text) : nil }
        guard first > 0x20 else { return nil }
        switch text.lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: return nil
        }
    }

    /// The distance of two numbers; exact for whole ones that a double cannot tell apart.
    static func distance(_ old: some StringProtocol, _ new: some StringProtocol) -> Double? {
        guard let before = parse(old), let after = parse(new) else { return nil }
        let distance = (before - after).magnitude
        guard isWhole(old), isWhole(new) else { return distance }
        if let left = Int128(old), let right = Int128(new) {
            let (difference, overflow) = left.subtractingReportingOverflow(right)
            if !overflow { return Double(difference.magnitude) }
        }
        // Longer still: not the same digits are not the same number, and one apart at least.
        let isSame = digits(old).elementsEqual(digits(new)) && (old.utf8.first == 45) == (new.utf8.first == 45)
        return isSame ? 0 : max(1, distance)
    }

    private static func isWhole(_ text: some StringProtocol) -> Bool {
        text.utf8.enumerated().allSatisfy { place, byte in
            (48...57).contains(byte) || (place == 0 && (byte == 43 || byte == 45))
        }
    }

    private static func digits(_ text: some StringProtocol) -> some Sequence<UInt8> {
        text.utf8.filter { (48...57).contains($0) }.drop { $0 == 48 }
    }

    /// Splits text into numbers and what lies between them; joined again they are the text.
    static func tokens(_ text: Substring) -> [(text: Substring, isNumber: Bool)] {
        var tokens: [(text: Substring, isNumber: Bool)] = []
        let bytes = text.utf8
        var (start, index) = (bytes.startIndex, bytes.startIndex)
        var previous: UInt8 = 0x20
        while index < bytes.endIndex {
            // Digits inside a word ("x2", a digest, an address) are part of the word.
            if !isWord(previous), let end = number(in: bytes, from: index) {
                if start < index { tokens.append((text[start..<index], false)) }
                tokens.append((text[index..<end], true))
                (start, index) = (end, end)
                previous = 0x20
                continue
            }
            previous = bytes[index]
            index = bytes.index(after: index)
        }
        if start < bytes.endIndex { tokens.append((text[start...], false)) }
        return tokens
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte & 0xDF) || byte == 95 || byte >= 0x80
    }

    // Where the number ends that begins here; nil when none does, or when a word goes on behind it.
    private static func number(in bytes: Substring.UTF8View, from start: Substring.Index) -> Substring.Index? {
        var index = start
        func peek() -> UInt8 { index < bytes.endIndex ? bytes[index] : 0 }
        func digits() -> Int {
            var count = 0
            while (48...57).contains(peek()) {
                count += 1
                index = bytes.index(after: index)
            }
            return count
        }
        if peek() == 43 || peek() == 45 { index = bytes.index(after: index) }
        var count = digits()
        if peek() == 46 {
            let point = index
            index = bytes.index(after: index)
            let fraction = digits()
            if fraction == 0 { index = point }
            count += fraction
        }
        guard count > 0 else { return nil }
        if peek() | 0x20 == 0x65 {
            let mark = index
            index = bytes.index(after: index)
            if peek() == 43 || peek() == 45 { index = bytes.index(after: index) }
            if digits() == 0 { index = mark }
        }
        return isWord(peek()) ? nil : index
    }

    /// A difference for people: two or three digits are enough.
    static func short(_ value: Double) -> String {
        if value == 0 { return "0" }
        guard value.isFinite else { return "\(value)" }
        let exponent = exponent(of: value.magnitude)
        var mantissa = value
        // In two steps: 10^-320 is no double.
        for _ in 0..<exponent.magnitude { mantissa = exponent > 0 ? mantissa / 10 : mantissa * 10 }
        let rounded = (mantissa * 100).rounded() / 100
        if (-3...5).contains(exponent) {
            var plain = rounded
            for _ in 0..<exponent.magnitude { plain = exponent > 0 ? plain * 10 : plain / 10 }
            let digits = "\(plain)"
            return digits.count <= 10 ? digits : "\((plain * 1e6).rounded() / 1e6)"
        }
        return "\(rounded)e\(exponent)"
    }

    private static func exponent(of value: Double) -> Int {
        var (value, exponent) = (value, 0)
        while value >= 10 {
            value /= 10
            exponent += 1
        }
        while value < 1 {
            value *= 10
            exponent -= 1
        }
        return exponent
    }
}

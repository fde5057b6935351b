/// Base64 (RFC 4648 section 4) with padding, in its one canonical form.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
        return table
    }()

    /// The text of bytes.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { output in
            guard let base = output.baseAddress else { return 0 }
            return bytes.withUnsafeBytes { encode($0, into: base) }
        }
    }

    /// Writes the text of bytes to where the caller has room for it, and says how long it is.
    public static func encode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>) -> Int {
        alphabet.withUnsafeBufferPointer { alphabet in
            var written = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let (a, b, c) = (
                    bytes[start], start + 1 < bytes.count ? bytes[start + 1] : 0,
                    start + 2 < bytes.count ? bytes[start + 2] : 0
                )
                output[written] = alphabet[Int(a >> 2)]
                output[written + 1] = alphabet[Int((a & 3) << 4 | b >> 4)]
                output[written + 2] = start + 1 < bytes.count ? alphabet[Int((b & 15) << 2 | c >> 6)] : 0x3d
                output[written + 3] = start + 2 < bytes.count ? alphabet[Int(c & 63)] : 0x3d
                written += 4
            }
            return written
        }
    }

    /// The bytes of text; nil for anything that `encode` would not have written, so that one content has one text and
    /// a changed character is never overlooked.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        Array(text.utf8).withUnsafeBytes { decode($0) }
    }

    /// The bytes of text in ASCII, as above.
    public static func decode(_ letters: UnsafeRawBufferPointer) -> [UInt8]? {
        guard letters.count.isMultiple(of: 4) else { return nil }
        let padding = letters.suffix(2).reversed().prefix { $0 == 0x3d }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count / 4 * 3)
        var (bits, held): (UInt32, UInt32) = (0, 0)
        for letter in letters.dropLast(padding) {
            let value = values[Int(letter)]
            guard value != 255 else { return nil }
            bits = (bits << 6 | UInt32(value)) & 0xffff
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> held))
            }
        }
        // Bits left over from the last character have to be zero: "QQ==" and "QR==" would both be "A".
        guard bits & ((1 << held) - 1) == 0 else { return nil }
        return bytes
    }
}

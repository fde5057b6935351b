import Glibc

/// The TCP sockets that listen in the calling thread's network, as the kernel lists them: nobody is connected to.
enum ListeningSockets {
    /// The loopback address at which somebody listens on a port; nil when nobody does.
    static func address(of port: UInt16) -> String? {
        if let four = local("/proc/thread-self/net/tcp", port: port) {
            // Bytes as in memory: the first of the address is the last here.
            let octets = stride(from: 6, through: 0, by: -2).compactMap { offset in
                UInt8(four.dropFirst(offset).prefix(2), radix: 16)
            }
            guard octets.count == 4 else { return nil }
            return octets[0] == 127 ? octets.map(String.init).joined(separator: ".") : "127.0.0.1"
        }
        return local("/proc/thread-self/net/tcp6", port: port) == nil ? nil : "::1"
    }

    /// The address of a socket that listens on a port, in hexadecimal.
    private static func local(_ file: String, port: UInt16) -> Substring? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        // A run can open sockets, not without end: what matters is among the first, listening ones come first.
        while bytes.count < 1 << 20 {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
            // sl, local_address, rem_address, st, …; 0A is TCP_LISTEN.
            let words = line.split(separator: " ")
            guard words.count > 3, words[3] == "0A", let colon = words[1].lastIndex(of: ":") else { continue }
            if UInt16(words[1][words[1].index(after: colon)...], radix: 16) == port { return words[1][..<colon] }
        }
        return nil
    }
}

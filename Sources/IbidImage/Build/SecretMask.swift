import Synchronization

/// Keeps secrets out of what a step writes to its output: each is replaced by `***`.
final class SecretMask: Sendable {
    /// Shorter ones are not masked: a word like `yes` would vanish from every line.
    private static let shortest = 4

    private let secrets: [[UInt8]]
    /// The end of what came, as long as it may be the beginning of a secret.
    private let pending = Mutex<[UInt8]>([])

    init(_ secrets: [[UInt8]]) {
        let lines = secrets.flatMap { secret in
            [secret.trimmingLineEnds] + secret.split(separator: 0x0a).map(Array.init).filter { $0.count >= 8 }
        }
        // The longest first: a secret may hold another.
        self.secrets = Set(lines).filter { $0.count >= Self.shortest }.sorted { $0.count > $1.count }
    }

    /// Hands on what is known to be no secret.
    func add(_ piece: UnsafeRawBufferPointer, _ emit: (UnsafeRawBufferPointer) -> Void) {
        if secrets.isEmpty { return emit(piece) }
        pending.withLock { pending in
            pending += piece
            let (clean, rest) = masked(pending, isEnd: false)
            pending = rest
            clean.withUnsafeBytes(emit)
        }
    }

    /// Hands on the rest.
    func finish(_ emit: (UnsafeRawBufferPointer) -> Void) {
        pending.withLock { pending in
            let (clean, _) = masked(pending, isEnd: true)
            pending = []
            if !clean.isEmpty { clean.withUnsafeBytes(emit) }
        }
    }

    private func masked(_ bytes: [UInt8], isEnd: Bool) -> (clean: [UInt8], rest: [UInt8]) {
        var clean: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let rest = bytes[index...]
            if let secret = secrets.first(where: { rest.starts(with: $0) }) {
                clean += "***".utf8
                index += secret.count
            } else if !isEnd, secrets.contains(where: { $0.count > rest.count && $0.starts(with: rest) }) {
                return (clean, Array(rest))
            } else {
                clean.append(bytes[index])
                index += 1
            }
        }
        return (clean, [])
    }
}

extension [UInt8] {
    /// Without line ends at its end: editors and `echo` add them.
    var trimmingLineEnds: [UInt8] {
        var end = count
        while end > 0, self[end - 1] == 0x0a || self[end - 1] == 0x0d { end -= 1 }
        return Array(self[..<end])
    }
}

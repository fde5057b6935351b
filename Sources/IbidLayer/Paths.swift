/// Calls a C function with a path that is bytes, not text.
package func withPath<T>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) throws -> T) rethrows -> T {
    try (path + [0]).withUnsafeBytes { buffer in
        // Never empty: the terminator is there.
        try body(buffer.bindMemory(to: CChar.self).baseAddress.unsafelyUnwrapped)
    }
}

extension [UInt8] {
    /// The path of something inside this directory.
    package func child(_ name: some Collection<UInt8>) -> [UInt8] {
        isEmpty ? Array(name) : self + [UInt8(ascii: "/")] + Array(name)
    }

    /// The part before the last slash; empty when there is none.
    package var parentPath: [UInt8] {
        lastIndex(of: UInt8(ascii: "/")).map { Array(self[..<$0]) } ?? []
    }

    /// The part after the last slash.
    package var lastName: [UInt8] {
        lastIndex(of: UInt8(ascii: "/")).map { Array(self[($0 + 1)...]) } ?? self
    }
}

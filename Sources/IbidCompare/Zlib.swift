import CZlib

/// Deflated bytes, read and written by zlib.
enum Zlib {
    /// How the deflated bytes are wrapped.
    enum Wrapping: Int32 {
        /// RFC 1951, nothing around it (ZIP members).
        case raw = -15
        /// RFC 1950 (PNG, PDF).
        case zlib = 15
        /// RFC 1952; several members in a row count as one.
        case gzip = 31
    }

    /// The inflated bytes; nil when they are damaged or longer than the limit: what claims to be small may unpack to
    /// more than any machine has.
    static func inflate(_ bytes: ArraySlice<UInt8>, _ wrapping: Wrapping, limit: Int) -> [UInt8]? {
        var stream = z_stream()
        guard cz_inflate_init(&stream, wrapping.rawValue) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        // zlib does not write to its input; the copy gives it a pointer that may be passed as mutable.
        var input = Array(bytes)
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        return input.withUnsafeMutableBufferPointer { input -> [UInt8]? in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(clamping: input.count)
            guard input.count <= Int(UInt32.max) else { return nil }
            while true {
                let status = chunk.withUnsafeMutableBufferPointer { chunk in
                    stream.next_out = chunk.baseAddress
                    stream.avail_out = UInt32(chunk.count)
                    return CZlib.inflate(&stream, Z_NO_FLUSH)
                }
                let made = chunk.count - Int(stream.avail_out)
                guard status == Z_OK || status == Z_STREAM_END, output.count + made <= limit else { return nil }
                output += chunk[..<made]
                if status == Z_STREAM_END {
                    guard wrapping == .gzip, stream.avail_in > 0 else { return output }
                    guard inflateReset(&stream) == Z_OK else { return nil }
                } else if made == 0 && stream.avail_in == 0 {
                    return nil
                }
            }
        }
    }

    /// The bytes deflated and wrapped as in RFC 1950.
    static func deflate(_ bytes: [UInt8]) -> [UInt8] {
        var length = compressBound(UInt(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(length))
        let status = compress2(&output, &length, bytes, UInt(bytes.count), 6)
        precondition(status == Z_OK, "the output has the size that zlib asks for")
        return Array(output.prefix(Int(length)))
    }

    /// The CRC-32 of bytes, as PNG and ZIP use it.
    static func crc(_ bytes: [UInt8]) -> UInt32 { UInt32(truncatingIfNeeded: crc32(0, bytes, UInt32(bytes.count))) }
}

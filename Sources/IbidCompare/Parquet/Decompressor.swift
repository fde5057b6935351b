import CCodecShim

/// The ways in which columns are compressed; the result has exactly the size that was announced, or there is none.
enum Decompressor {
    /// Snappy's format without framing (google/snappy, format_description.txt).
    static func snappy(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var reader = ByteReader(bytes)
        guard reader.variable() == UInt64(size) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(size)
        while output.count < size {
            guard let tag = reader.byte() else { return nil }
            if tag & 3 == 0 {
                var length = Int(tag >> 2)
                if length >= 60 {
                    guard let long = reader.little(length - 59) else { return nil }
                    length = Int(long)
                }
                guard length + 1 <= size - output.count, let literal = reader.take(length + 1) else { return nil }
                output += literal
                continue
            }
            let length = tag & 3 == 1 ? Int(tag >> 2 & 7) + 4 : Int(tag >> 2) + 1
            guard let low = reader.little(tag & 3 == 3 ? 4 : tag & 3 == 2 ? 2 : 1) else { return nil }
            let offset = tag & 3 == 1 ? Int(tag >> 5) << 8 | Int(low) : Int(low)
            guard copy(&output, offset: offset, length: length, size: size) else { return nil }
        }
        return reader.left == 0 ? output : nil
    }

    /// One block of LZ4 (lz4/doc/lz4_Block_format.md).
    static func lz4(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var reader = ByteReader(bytes)
        var output: [UInt8] = []
        output.reserveCapacity(size)
        func length(_ first: UInt8, _ reader: inout ByteReader) -> Int? {
            var length = Int(first)
            guard first == 15 else { return length }
            while let more = reader.byte() {
                length += Int(more)
                if more < 255 { return length }
            }
            return nil
        }
        while let token = reader.byte() {
            guard let literals = length(token >> 4, &reader), literals <= size - output.count,
                let literal = reader.take(literals)
            else { return nil }
            output += literal
            if reader.left == 0 { break }  // the last sequence has no match
            guard let offset = reader.little(2), let match = length(token & 15, &reader),
                copy(&output, offset: Int(offset), length: match + 4, size: size)
            else { return nil }
        }
        return output.count == size ? output : nil
    }

    // From what was written before; the two may overlap, which repeats a pattern.
    private static func copy(_ output: inout [UInt8], offset: Int, length: Int, size: Int) -> Bool {
        guard offset > 0, offset <= output.count, length <= size - output.count else { return false }
        let start = output.count - offset
        if offset >= length {
            output += output[start..<start + length]
        } else {
            for place in start..<start + length { output.append(output[place]) }
        }
        return true
    }

    /// Hadoop's LZ4: blocks, each behind its two sizes; older writers left the sizes out.
    static func hadoopLZ4(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var reader = ByteReader(bytes)
        var output: [UInt8] = []
        while reader.left > 0 {
            guard let plain = reader.big(4), let packed = reader.big(4), plain <= UInt64(size - output.count),
                let block = reader.take(Int(packed)), let part = lz4(block, size: Int(plain))
            else { return lz4(bytes, size: size) }
            output += part
        }
        return output.count == size ? output : nil
    }

    /// Zstandard, one frame or several.
    static func zstd(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
        var (made, problem) = (0, [CChar](repeating: 0, count: 256))
        var output = [UInt8](repeating: 0, count: size)
        let status = bytes.withUnsafeBytes {
            cc_zstd(&output, size, $0.baseAddress, $0.count, &made, &problem, problem.count)
        }
        return status == 0 && made == size ? output : nil
    }
}

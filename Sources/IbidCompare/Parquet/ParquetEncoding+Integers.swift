extension ParquetEncoding {
    /// Small numbers in runs of equal ones and of bit-packed ones; nil when they are damaged or too few.
    static func hybrid(_ reader: inout ByteReader, width: Int, count: Int) -> [UInt32]? {
        guard (0...32).contains(width) else { return nil }
        var values: [UInt32] = []
        values.reserveCapacity(count)
        while values.count < count {
            guard let header = reader.variable() else { return nil }
            let left = count - values.count
            if header & 1 == 0 {
                guard header > 0, let value = reader.little((width + 7) / 8) else { return nil }
                values.append(
                    contentsOf: repeatElement(
                        UInt32(truncatingIfNeeded: value), count: Int(min(header >> 1, UInt64(left)))))
            } else {
                // Groups of eight; the last may be cut short.
                let groups = Int(clamping: header >> 1)
                let wanted = min(left, groups > left ? left : groups * 8)
                guard groups > 0, let part = packed(&reader, width: width, count: wanted) else { return nil }
                values += part
                let whole = groups > reader.left + left ? 0 : groups * width - (wanted * width + 7) / 8
                _ = reader.skip(min(max(0, whole), reader.left))
            }
        }
        return values
    }

    /// Numbers of some bits each, the least significant bit first.
    static func packed(_ reader: inout ByteReader, width: Int, count: Int) -> [UInt32]? {
        if width == 0 { return [UInt32](repeating: 0, count: count) }
        return wide(&reader, width: width, count: count)?.map { UInt32(truncatingIfNeeded: $0) }
    }

    private static func wide(_ reader: inout ByteReader, width: Int, count: Int) -> [UInt64]? {
        guard let bytes = reader.take((count * width + 7) / 8) else { return nil }
        let mask = width == 64 ? UInt64.max : 1 << UInt64(width) - 1
        var values: [UInt64] = []
        values.reserveCapacity(count)
        // More than 64 bits wait when a number of 64 bits begins inside of a byte.
        var (low, high, bits): (UInt64, UInt64, Int) = (0, 0, 0)
        var index = bytes.startIndex
        for _ in 0..<count {
            while bits < width {
                let byte = UInt64(bytes[index])
                index += 1
                low |= bits < 64 ? byte << UInt64(bits) : 0
                high |= bits > 56 ? byte >> UInt64(64 - bits) : 0
                bits += 8
            }
            values.append(low & mask)
            low = width == 64 ? high : low >> UInt64(width) | (width == 0 ? 0 : high << UInt64(64 - width))
            high = width == 64 ? 0 : high >> UInt64(width)
            bits -= width
        }
        return values
    }

    /// DELTA_BINARY_PACKED: blocks of differences, each of miniblocks with a width of its own.
    static func deltas(_ reader: inout ByteReader, count: Int) -> [Int64]? {
        guard let block = reader.variable(), let parts = reader.variable(), let total = reader.variable(),
            let first = reader.variable(), total == UInt64(count), (1...1 << 20).contains(block),
            (1...block).contains(parts), block % parts == 0
        else { return nil }
        let size = Int(block / parts)
        var value = ByteReader.zigzag(first)
        var values = count == 0 ? [] : [value]
        values.reserveCapacity(count)
        while values.count < count {
            guard let folded = reader.variable(), let widths = reader.take(Int(parts)) else { return nil }
            let least = ByteReader.zigzag(folded)
            for width in widths where values.count < count {
                guard width <= 64 else { return nil }
                let part: [UInt64]
                if width == 0 {
                    part = [UInt64](repeating: 0, count: size)
                } else {
                    // The last miniblock is written whole, whatever it holds.
                    guard let whole = wide(&reader, width: Int(width), count: size) else { return nil }
                    part = whole
                }
                for delta in part.prefix(count - values.count) {
                    value = value &+ least &+ Int64(bitPattern: delta)
                    values.append(value)
                }
            }
        }
        return values
    }
}

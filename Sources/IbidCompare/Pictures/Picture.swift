/// Pixels: red, green, blue and opacity of each, 16 bits a sample, row by row.
struct Picture: Hashable {
    let width: Int
    let height: Int
    var samples: [UInt16]
    /// What the file says of how samples become light, by name: gamma, a colour profile.
    var colours: [String: [UInt8]] = [:]

    /// The largest picture that is read: 32 million pixels, 256 MB here.
    static let mostPixels = 32 << 20

    init(width: Int, height: Int, samples: [UInt16]) {
        self.width = width
        self.height = height
        self.samples = samples
    }
}

extension Picture {
    /// Reads a PNG or a JPEG, whichever it is.
    init(_ bytes: [UInt8]) throws(Unreadable) {
        let kind = FileKind(bytes, path: "")
        switch kind {
        case .png: try self.init(png: bytes)
        case .jpeg: try self.init(jpeg: bytes)
        default: throw Unreadable(reason: "it looks like \(kind.rawValue), not like PNG or JPEG")
        }
    }

    /// Reads a PNG (RFC 2083, W3C PNG): every colour type and depth, interlaced or not. Of the ancillary
    /// chunks transparency and colour have a say; checksums are compared.
    ///
    /// - Throws: `Unreadable`.
    init(png bytes: [UInt8]) throws(Unreadable) {
        let parts = try PNGParts(bytes)
        if parts.isAnimated { throw Unreadable(reason: "it is animated, and Ibid would see its first frame alone") }
        let header = parts.header
        let passes = header.isInterlaced ? PNGParts.passes : [(0, 0, 1, 1)]
        var raw = 0
        for pass in passes {
            let size = header.size(of: pass)
            if size.width > 0 && size.height > 0 { raw += size.height * (1 + header.rowBytes(size.width)) }
        }
        guard let data = Zlib.inflate(parts.data[...], .zlib, limit: raw), data.count == raw else {
            throw Unreadable(reason: "its pixels are damaged")
        }
        self.init(
            width: header.width, height: header.height,
            samples: [UInt16](repeating: 0, count: header.width * header.height * 4))
        colours = parts.colours
        var place = 0
        for pass in passes {
            let size = header.size(of: pass)
            if size.width == 0 || size.height == 0 { continue }
            let length = header.rowBytes(size.width)
            var previous = [UInt8](repeating: 0, count: length)
            for y in 0..<size.height {
                var row = Array(data[place + 1..<place + 1 + length])
                try Self.unfilter(&row, previous, filter: data[place], distance: header.pixelBytes)
                place += 1 + length
                for x in 0..<size.width {
                    let target = ((pass.1 + y * pass.3) * width + pass.0 + x * pass.2) * 4
                    let pixel = try parts.pixel(x, in: row)
                    for sample in 0..<4 { samples[target + sample] = pixel[sample] }
                }
                previous = row
            }
        }
    }

    // Section 9 of the specification: each byte was written as its difference from a guess.
    private static func unfilter(
        _ row: inout [UInt8], _ above: [UInt8], filter: UInt8, distance: Int
    ) throws(Unreadable) {
        guard filter <= 4 else { throw Unreadable(reason: "a row has the filter \(filter), which PNG has not") }
        if filter == 0 { return }
        for index in row.indices {
            let left = index >= distance ? Int(row[index - distance]) : 0
            let up = Int(above[index])
            let corner = index >= distance ? Int(above[index - distance]) : 0
            let guess: Int
            switch filter {
            case 1: guess = left
            case 2: guess = up
            case 3: guess = (left + up) / 2
            default:
                let estimate = left + up - corner
                let (a, b, c) = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
                guess = a <= b && a <= c ? left : b <= c ? up : corner
            }
            row[index] = row[index] &+ UInt8(truncatingIfNeeded: guess)
        }
    }

    /// The picture as a PNG of 8 bits a sample.
    var png: [UInt8] {
        var raw: [UInt8] = []
        raw.reserveCapacity(height * (1 + width * 4))
        for y in 0..<height {
            raw.append(0)
            for sample in samples[y * width * 4..<(y + 1) * width * 4] { raw.append(UInt8(sample >> 8)) }
        }
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
            let content = Array(name.utf8) + body
            return number(body.count) + content + number(Int(Zlib.crc(content)))
        }
        return PNGParts.signature + chunk("IHDR", number(width) + number(height) + [8, 6, 0, 0, 0])
            + chunk("IDAT", Zlib.deflate(raw)) + chunk("IEND", [])
    }
}

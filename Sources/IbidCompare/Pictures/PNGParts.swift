/// The chunks of a PNG that say what its pixels are.
struct PNGParts {
    /// The IHDR chunk.
    struct Header {
        var width: Int
        var height: Int
        var depth: Int
        var colour: UInt8
        var isInterlaced: Bool

        var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 0 }
        /// Bytes from one pixel to the next, at least one.
        var pixelBytes: Int { max(1, channels * depth / 8) }
        func rowBytes(_ width: Int) -> Int { (width * channels * depth + 7) / 8 }

        func size(of pass: (x: Int, y: Int, stepX: Int, stepY: Int)) -> (width: Int, height: Int) {
            (
                max(0, (width - pass.x + pass.stepX - 1) / pass.stepX),
                max(0, (height - pass.y + pass.stepY - 1) / pass.stepY)
            )
        }
    }

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Adam7: first column and row, and the steps from there.
    static let passes: [(x: Int, y: Int, stepX: Int, stepY: Int)] = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]

    let header: Header
    /// All IDAT chunks together.
    let data: [UInt8]
    /// What else decides how the pixels look, by the chunk's name.
    let colours: [String: [UInt8]]
    /// The frames of an animation, of which only the first is read.
    let isAnimated: Bool
    private let palette: [UInt8]
    private let transparency: [UInt8]

    init(_ bytes: [UInt8]) throws(Unreadable) {
        var reader = ByteReader(bytes)
        guard let signature = reader.take(8), signature.elementsEqual(Self.signature) else {
            throw Unreadable(reason: "it is no PNG")
        }
        var (header, data, palette, transparency): (Header?, [UInt8], [UInt8], [UInt8]) = (nil, [], [], [])
        var (colours, isAnimated): ([String: [UInt8]], Bool) = ([:], false)
        chunks: while true {
            guard let length = reader.big(4), let name = reader.take(4), let body = reader.take(Int(clamping: length)),
                let checksum = reader.big(4)
            else { throw Unreadable(reason: "it ends in the middle") }
            guard UInt64(Zlib.crc(Array(name) + body)) == checksum else {
                throw Unreadable(reason: "a checksum is wrong")
            }
            let chunk = String(decoding: name, as: UTF8.self)
            switch chunk {
            case "IHDR": header = try Self.header(body)
            case "PLTE": palette = Array(body)
            case "tRNS": transparency = Array(body)
            case "IDAT": data += body
            case "IEND": break chunks
            case "gAMA", "cHRM", "sRGB", "iCCP", "cICP": colours[chunk] = Array(body)
            case "acTL": isAnimated = true
            default: continue
            }
        }
        guard let header else { throw Unreadable(reason: "it has no header") }
        self.header = header
        self.data = data
        self.colours = colours
        self.isAnimated = isAnimated
        self.palette = palette
        self.transparency = transparency
    }

    private static func header(_ body: ArraySlice<UInt8>) throws(Unreadable) -> Header {
        var reader = ByteReader(body)
        guard body.count == 13, let width = reader.big(4), let height = reader.big(4), let depth = reader.byte(),
            let colour = reader.byte(), reader.skip(2), let interlace = reader.byte()
        else { throw Unreadable(reason: "its header is damaged") }
        let depths: [UInt8: [UInt8]] = [0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]]
        guard depths[colour]?.contains(depth) == true, interlace <= 1, width > 0, height > 0 else {
            throw Unreadable(reason: "its header says something that PNG has not")
        }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, pixels <= UInt64(Picture.mostPixels) else {
            throw Unreadable(reason: "it has more than \(Picture.mostPixels) pixels")
        }
        return Header(
            width: Int(width), height: Int(height), depth: Int(depth), colour: colour, isInterlaced: interlace == 1)
    }

    /// Red, green, blue, opacity of one pixel of an unfiltered row.
    func pixel(_ x: Int, in row: [UInt8]) throws(Unreadable) -> [UInt16] {
        func sample(_ index: Int) -> Int {
            switch header.depth {
            case 16: return Int(row[index * 2]) << 8 | Int(row[index * 2 + 1])
            case 8: return Int(row[index])
            default:
                let shift = 8 - header.depth - index * header.depth % 8
                return Int(row[index * header.depth / 8]) >> shift & (1 << header.depth - 1)
            }
        }
        func full(_ value: Int) -> UInt16 { UInt16(value * 65_535 / (1 << header.depth - 1)) }
        func key(_ index: Int) -> Int? {
            transparency.count >= index * 2 + 2
                ? Int(transparency[index * 2]) << 8 | Int(transparency[index * 2 + 1]) : nil
        }
        let first = x * header.channels
        switch header.colour {
        case 0:
            let grey = sample(first)
            return [full(grey), full(grey), full(grey), key(0) == grey ? 0 : .max]
        case 2:
            let colours = [sample(first), sample(first + 1), sample(first + 2)]
            let isClear = transparency.count >= 6 && (0..<3).allSatisfy { key($0) == colours[$0] }
            return colours.map(full) + [isClear ? 0 : .max]
        case 3:
            let index = sample(first)
            guard index * 3 + 2 < palette.count else {
                throw Unreadable(reason: "a colour is not in its palette")
            }
            let opacity = index < transparency.count ? transparency[index] : 255
            return (palette[index * 3...index * 3 + 2] + [opacity]).map { UInt16($0) * 257 }
        case 4:
            let grey = full(sample(first))
            return [grey, grey, grey, full(sample(first + 1))]
        default: return (0..<4).map { full(sample(first + $0)) }
        }
    }
}

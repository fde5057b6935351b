/// The members of a ZIP or tar archive, named and timed; contents are unpacked one at a time and on demand.
struct Archive {
    struct Member {
        var name: String
        /// As the archive writes it: DOS date and time, or seconds.
        var time: UInt64
        var mode: UInt64
        var owner: String
        fileprivate var data: ArraySlice<UInt8>
        fileprivate var isDeflated: Bool
        fileprivate var size: Int

        /// Larger members are not looked into.
        static let largest = 64 << 20

        /// The unpacked bytes; nil when they are damaged or too large.
        func content() -> [UInt8]? {
            guard size <= Self.largest else { return nil }
            return isDeflated ? Zlib.inflate(data, .raw, limit: size) : Array(data)
        }
    }

    private(set) var members: [Member] = []
    private var byName: [String: Int] = [:]
    static let mostMembers = 100_000

    func member(_ name: String) -> Member? { byName[name].map { members[$0] } }

    private mutating func add(_ member: Member) {
        byName[member.name] = members.count
        members.append(member)
    }

    /// Reads the central directory of a ZIP archive (APPNOTE.TXT, 4.3); nil when it is damaged or encrypted.
    init?(zip bytes: [UInt8]) {
        // The end record stands last, before a comment of at most 64 KiB.
        let signature: [UInt8] = [0x50, 0x4B, 5, 6]
        let first = max(0, bytes.count - 22 - 65_535)
        guard bytes.count >= 22,
            let end = stride(from: bytes.count - 22, through: first, by: -1).first(where: {
                bytes[$0] == 0x50 && bytes[$0..<$0 + 4].elementsEqual(signature)
            })
        else { return nil }
        var reader = ByteReader(bytes[end...])
        guard reader.skip(10), let count = reader.little(2), reader.skip(4), let start = reader.little(4),
            start <= end, count < 65_535
        else { return nil }
        var directory = ByteReader(bytes[Int(start)..<end])
        for _ in 0..<count {
            guard directory.little(4) == 0x0201_4B50, directory.skip(4), let flags = directory.little(2),
                let method = directory.little(2), let time = directory.little(4), directory.skip(4),
                let packed = directory.little(4), let size = directory.little(4), let nameLength = directory.little(2),
                let extra = directory.little(2), let comment = directory.little(2), directory.skip(4),
                let attributes = directory.little(4), let place = directory.little(4),
                let name = directory.take(Int(nameLength)), directory.skip(Int(extra) + Int(comment)),
                flags & 1 == 0, method == 0 || method == 8, place < bytes.count, packed < 0xFFFF_FFFF
            else { return nil }
            // The local header has lengths of its own.
            var local = ByteReader(bytes[Int(place)...])
            guard local.little(4) == 0x0403_4B50, local.skip(22), let localName = local.little(2),
                let localExtra = local.little(2), local.skip(Int(localName) + Int(localExtra)),
                let data = local.take(Int(packed))
            else { return nil }
            add(
                Member(
                    name: String(decoding: name, as: UTF8.self), time: time, mode: attributes >> 16, owner: "",
                    data: data, isDeflated: method == 8, size: Int(size)))
        }
    }

    /// Reads a tar archive (POSIX ustar with pax and GNU long names passed over); nil when a header is damaged.
    init?(tar bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        var longName: String?
        while let header = reader.take(512) {
            if header.allSatisfy({ $0 == 0 }) { return }
            func text(_ range: Range<Int>) -> String {
                let field = header[header.startIndex + range.lowerBound..<header.startIndex + range.upperBound]
                return String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
            }
            func octal(_ range: Range<Int>) -> UInt64? { UInt64(text(range).filter { $0 != " " }, radix: 8) }
            guard let size = octal(124..<136), size <= UInt64(reader.left), members.count < Self.mostMembers,
                let data = reader.take(Int(size))
            else { return nil }
            _ = reader.skip(min((512 - Int(size) % 512) % 512, reader.left))
            let prefix = text(345..<500)
            switch text(156..<157) {
            case "x": longName = Self.paxPath(data) ?? longName
            case "g": continue
            case "L": longName = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self)
            default:
                add(
                    Member(
                        name: longName ?? (prefix.isEmpty ? "" : prefix + "/") + text(0..<100),
                        time: octal(136..<148) ?? 0, mode: octal(100..<108) ?? 0,
                        owner:
                            "\(octal(108..<116) ?? 0):\(octal(116..<124) ?? 0) \(text(265..<297)):\(text(297..<329))",
                        data: data, isDeflated: false, size: Int(size)))
                longName = nil
            }
        }
    }

    private static func paxPath(_ data: ArraySlice<UInt8>) -> String? {
        String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line -> String? in
            guard let place = line.firstRange(of: " path=") else { return nil }
            return String(line[place.upperBound...])
        }.last
    }
}

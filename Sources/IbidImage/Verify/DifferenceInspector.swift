import IbidLayer
import IbidModel

/// Why two files differ, in a word or two, and what shows it.
struct DifferenceCause: Hashable {
    var name: String
    var detail: String?

    init(_ name: String, _ detail: String? = nil) {
        self.name = name
        self.detail = detail
    }
}

/// Looks at two versions of a file for the reason of their difference. It guesses, and says what it saw.
struct DifferenceInspector {
    /// When the step ran, seconds since 1970.
    let firstTime: ClosedRange<Int64>
    let secondTime: ClosedRange<Int64>
    let processors: (first: Int, second: Int)

    /// A file that one of the builds did not write.
    ///
    /// - Parameter others: the files that only the other one wrote.
    func onlyOnce(_ path: [UInt8], others: [[UInt8]]) -> DifferenceCause {
        let name = String(decoding: path.lastName, as: UTF8.self)
        if TextDifference(self).hasTime(name) { return DifferenceCause("time stamp", "in its name") }
        // mktemp and its kind: in the other build the same place has another name of that length.
        let isRenamed = others.contains { $0.parentPath == path.parentPath && $0.count == path.count }
        if isRenamed || name.contains(#/tmp|[0-9a-f]{8,}/#) {
            return DifferenceCause("random", "its name; only one of the builds has it")
        }
        return DifferenceCause("only once", "only one of the builds has it")
    }

    /// What is other than the content; nil when that is the same.
    func attributes(_ first: TarEntry, _ second: TarEntry) -> DifferenceCause? {
        func octal(_ mode: UInt32) -> String { String(mode, radix: 8) }
        if case .symlink(let before) = first.kind, case .symlink(let after) = second.kind, before != after {
            return content(first.displayPath, before, after)
        }
        if first.mode != second.mode {
            return DifferenceCause("permissions", "\(octal(first.mode)), then \(octal(second.mode))")
        }
        if first.uid != second.uid || first.gid != second.gid {
            return DifferenceCause("owner", "\(first.uid):\(first.gid), then \(second.uid):\(second.gid)")
        }
        if first.mtime != second.mtime {
            return DifferenceCause("time stamp", "the file's own time, \(first.mtime), then \(second.mtime)")
        }
        if first.xattrs != second.xattrs { return DifferenceCause("attributes") }
        switch (first.kind, second.kind) {
        case (.file, .file): return nil
        default: return first.kind == second.kind ? nil : DifferenceCause("kind of file")
        }
    }

    /// What is other in the content.
    ///
    /// - Parameters:
    ///   - first: the bytes; nil when there are too many to look at.
    func content(_ path: String, _ first: [UInt8]?, _ second: [UInt8]?) -> DifferenceCause {
        guard let first, let second else { return DifferenceCause("other bytes", "too long to look into") }
        if let known = packed(path, first, second) { return known }
        if let before = text(first), let after = text(second) {
            return TextDifference(self).cause(before, after)
        }
        return BinaryDifference(self).cause(first, second)
    }

    private func text(_ bytes: [UInt8]) -> String? {
        bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Whether a number is a moment of one of the two builds, in seconds or a fraction of them.
    func isTime(_ value: UInt64) -> Bool {
        ([1, 1_000, 1_000_000, 1_000_000_000] as [UInt64]).contains { unit in
            let seconds = Int64(clamping: value / unit)
            return seconds >= firstTime.lowerBound - 60 && seconds <= secondTime.upperBound + 60
        }
    }

    // MARK: files with a time in a known place

    private func packed(_ path: String, _ first: [UInt8], _ second: [UInt8]) -> DifferenceCause? {
        func same(_ mask: ([UInt8]) -> [UInt8]) -> Bool { mask(first) == mask(second) }
        if path.hasSuffix(".pyc"), first.count >= 16, second.count >= 16, first[0..<4] == second[0..<4] {
            return first[4] & 1 == 0 && same({ Self.blank($0, [8..<12]) })
                ? DifferenceCause("time stamp", "of the source, in the bytecode's header")
                : DifferenceCause("bytecode", "its source or the order of compiling differs")
        }
        if first.starts(with: [0x1f, 0x8b]), second.starts(with: [0x1f, 0x8b]) {
            return same({ Self.blank($0, [4..<8]) })
                ? DifferenceCause("time stamp", "in the gzip header; gzip -n leaves it out")
                : DifferenceCause("packed content", "what was packed differs")
        }
        if first.starts(with: [0x50, 0x4b]), second.starts(with: [0x50, 0x4b]) {
            return same(Self.withoutZipTimes)
                ? DifferenceCause("time stamp", "of members, in the zip archive")
                : DifferenceCause("packed content", "the zip archive's members or their order differ")
        }
        if Self.isTar(first), Self.isTar(second) {
            return same(Self.withoutTarTimes)
                ? DifferenceCause("time stamp", "of members, in the tar archive; tar --mtime fixes it")
                : DifferenceCause("packed content", "the tar archive's members or their order differ")
        }
        if first.starts(with: Array("!<arch>\n".utf8)), same(Self.withoutArTimes) {
            return DifferenceCause("time stamp", "of members, in the ar archive; ar D leaves it out")
        }
        return nil
    }

    private static func blank(_ bytes: [UInt8], _ ranges: [Range<Int>]) -> [UInt8] {
        var bytes = bytes
        for range in ranges { for index in range where index < bytes.count { bytes[index] = 0 } }
        return bytes
    }

    // APPNOTE.TXT 4.3.7, 4.3.12: the DOS times of local and central headers, and Info-ZIP's extended ones.
    private static func withoutZipTimes(_ bytes: [UInt8]) -> [UInt8] {
        var ranges: [Range<Int>] = []
        for index in bytes.indices.dropLast(4) {
            if bytes[index] == 0x50, bytes[index + 1] == 0x4b {
                if bytes[index + 2] == 3, bytes[index + 3] == 4 { ranges.append(index + 10..<index + 14) }
                if bytes[index + 2] == 1, bytes[index + 3] == 2 { ranges.append(index + 12..<index + 16) }
            } else if bytes[index] == 0x55, bytes[index + 1] == 0x54, bytes[index + 3] == 0, bytes[index + 2] <= 13 {
                ranges.append(index + 5..<index + 4 + Int(bytes[index + 2]))
            }
        }
        return blank(bytes, ranges.filter { !$0.isEmpty })
    }

    private static func isTar(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 512 && bytes[257..<262].elementsEqual("ustar".utf8)
    }

    private static func withoutTarTimes(_ bytes: [UInt8]) -> [UInt8] {
        let headers = stride(from: 0, to: bytes.count - 511, by: 512).filter {
            bytes[($0 + 257)..<($0 + 262)].elementsEqual("ustar".utf8)
        }
        return blank(bytes, headers.flatMap { [$0 + 136..<$0 + 148, $0 + 148..<$0 + 156] })
    }

    // ar(5): each header has sixteen bytes of name, twelve of time, and ends with "`\n" at 58.
    private static func withoutArTimes(_ bytes: [UInt8]) -> [UInt8] {
        let ends = bytes.indices.filter {
            $0 >= 66 && bytes[$0] == 0x0a && bytes[$0 - 1] == 0x60
        }
        return blank(bytes, ends.map { $0 - 43..<$0 - 31 })
    }
}

import CLinux
import Glibc
import IbidModel

/// Reads files of which parts may lie nowhere: a hole is not read from the disk, it is known to be zeros.
///
/// Nobody may write to the file meanwhile.
struct SparseReader {
    private static let pieceSize = 1 << 20

    private let descriptor: Int32
    private let size: Int64
    private let body: (UnsafeRawBufferPointer) throws -> Void
    private let piece: UnsafeMutableRawBufferPointer

    /// Gives the bytes of an open file from its beginning, in pieces.
    ///
    /// - Parameters:
    ///   - status: of the file.
    ///   - size: how long the file should be.
    ///   - body: gets each piece.
    /// - Returns: false when the file is shorter.
    static func read(
        _ descriptor: Int32, _ status: cl_stat, size: Int64,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        guard status.size >= UInt64(clamping: size) else { return false }
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(Int64(pieceSize), max(1, size))), alignment: 4_096)
        defer { piece.deallocate() }
        return try withoutActuallyEscaping(body) { body in
            let reader = SparseReader(descriptor: descriptor, size: size, body: body, piece: piece)
            guard status.blocks512 * 512 < status.size else { return try reader.data(from: 0, to: size) }
            return try reader.parts()
        }
    }

    private func parts() throws -> Bool {
        var position: Int64 = 0
        while position < size {
            let begin = try place(cl_next_data(descriptor, position, size))
            if begin > position { try hole(from: position, to: begin) }
            if begin == size { return true }
            position = try place(cl_next_hole(descriptor, begin, size))
            guard try data(from: begin, to: position) else { return false }
        }
        return true
    }

    private func place(_ found: Int64) throws -> Int64 {
        guard found >= 0 else { throw IbidError.system("read", "an output", errorText(found)) }
        return found
    }

    private func hole(from begin: Int64, to end: Int64) throws {
        piece.initializeMemory(as: UInt8.self, repeating: 0)
        var position = begin
        while position < end {
            let count = min(piece.count, Int(end - position))
            try body(UnsafeRawBufferPointer(rebasing: piece[0..<count]))
            position += Int64(count)
        }
    }

    private func data(from begin: Int64, to end: Int64) throws -> Bool {
        var position = begin
        while position < end {
            let count = pread(descriptor, piece.baseAddress, min(piece.count, Int(end - position)), off_t(position))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("read", "an output", lastError()) }
            if count == 0 { return false }
            try body(UnsafeRawBufferPointer(rebasing: piece[0..<count]))
            position += Int64(count)
        }
        return true
    }
}

import Glibc
import IbidStore
import SystemPackage

/// The connection is gone, or the client does not speak HTTP.
struct ConnectionClosed: Error {}

/// One client of the gateway: reads requests, writes responses. Used by one thread.
final class HTTPConnection {
    private let socket: Int32
    private let session: TLSSession?
    private var buffer: [UInt8] = []
    private var isChunked = false
    private var isHead = false
    /// Whether the connection can carry another response after this one.
    private(set) var isReusable = true
    /// Whether a response has been started.
    private(set) var hasResponded = false

    /// - Parameter session: what is spoken inside of, when the client asked for TLS.
    init(socket: Int32, session: TLSSession? = nil) {
        self.socket = socket
        self.session = session
        // Without it the second of two small writes waits for the client's delayed acknowledgement: 40 ms a request.
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether the client has sent something that was not read yet.
    var hasUnread: Bool { !buffer.isEmpty }

    /// The next request; nil when the client is done.
    ///
    /// - Throws: `ConnectionClosed` for what is no request.
    func nextRequest() throws -> HTTPRequest? {
        hasResponded = false
        var searched = 0
        while true {
            if let end = headEnd(from: searched) {
                let head = Array(buffer[..<end.head])
                buffer.removeFirst(end.next)
                guard let request = HTTPRequest(head) else { throw ConnectionClosed() }
                isHead = request.method == "HEAD"
                if request.closes { isReusable = false }
                return request
            }
            guard buffer.count < 64 << 10 else { throw ConnectionClosed() }
            searched = max(0, buffer.count - 3)
            var piece = [UInt8](repeating: 0, count: 16 << 10)
            let count = piece.withUnsafeMutableBytes { piece in
                session?.read(into: piece) ?? recv(socket, piece.baseAddress, piece.count, 0)
            }
            if session == nil, count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if buffer.isEmpty { return nil }
                throw ConnectionClosed()
            }
            buffer += piece[0..<count]
        }
    }

    private func headEnd(from start: Int) -> (head: Int, next: Int)? {
        var index = start
        while index + 1 < buffer.count {
            if buffer[index] == 0x0a, buffer[index + 1] == 0x0a { return (index, index + 2) }
            if index + 3 < buffer.count, buffer[index] == 0x0d, buffer[index + 1] == 0x0a, buffer[index + 2] == 0x0d,
                buffer[index + 3] == 0x0a
            {
                return (index, index + 4)
            }
            index += 1
        }
        return nil
    }

    /// Sends a whole response.
    func respond(_ status: String, type: String = "text/plain; charset=utf-8", body: [UInt8]) throws {
        try start(status, type: type, length: Int64(body.count))
        try body.withUnsafeBytes { try write($0) }
        try finish()
    }

    /// Sends a whole response of text.
    func respond(_ status: String, _ text: String) throws { try respond(status, body: Array((text + "\n").utf8)) }

    /// Agrees to a tunnel: what follows is between the client and whoever speaks at its end.
    func openTunnel() throws { try send(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)) }

    /// Starts a response whose body follows; without a length it is sent in chunks.
    func start(_ status: String, type: String, length: Int64?) throws {
        hasResponded = true
        isChunked = length == nil
        var head = "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n"
        head += length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
        if !isReusable { head += "Connection: close\r\n" }
        head += "\r\n"
        try send(Array(head.utf8))
    }

    /// Sends a piece of the body.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !isHead, !bytes.isEmpty else { return }
        if isChunked { try send(Array((String(bytes.count, radix: 16) + "\r\n").utf8)) }
        try send(bytes)
        if isChunked { try send([0x0d, 0x0a]) }
    }

    /// Ends the response.
    func finish() throws { if isChunked, !isHead { try send(Array("0\r\n\r\n".utf8)) } }

    /// Makes sure that the client notices that the response is not whole.
    func abandon() { isReusable = false }

    /// Sends a file as a whole response.
    func respond(file: FilePath, size: Int64) throws {
        try start("200 OK", type: "application/octet-stream", length: size)
        if !isHead { try forEachChunk(of: file) { try write($0) } }
        try finish()
    }

    private func send(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try send($0) } }

    private func send(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count =
                session?.write(rest) ?? Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            if session == nil, count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ConnectionClosed() }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }
}

import CCurlShim
import IbidModel
import Synchronization

/// How the host reaches one kind of server.
struct UpstreamAccess: Hashable, Sendable {
    /// Certificate authorities instead of the system's.
    var authorities: String?
    /// A client certificate.
    var clientCertificate: String?
    /// A proxy instead of the environment's.
    var proxy: String?
    /// Hosts whose certificate is not checked.
    var trustedHosts: Set<String> = []
    /// Give up when nothing came for so many seconds.
    var stallSeconds = 60
    /// The `Authorization` header that the client sent along; it is not passed on to another host.
    var authorization: String?
    /// Whether addresses of this host and of private networks are refused.
    var isPublicOnly = false
    /// The file with users and passwords by host; `~/.netrc` unless given.
    var netrc: String?
}

/// A transfer that failed before or while its body came. The message never holds a password.
struct UpstreamFailure: Error, CustomStringConvertible {
    let description: String
    /// Whether it may be over in a moment.
    var isPassing = false
}

/// A server that answers, and refuses.
struct UpstreamStatus: Error, CustomStringConvertible {
    let status: Int

    /// Whether somebody else might get it.
    var wantsCredentials: Bool { status == 401 || status == 403 || status == 407 }

    var description: String { "status \(status)" }

    /// What a status other than 200 and 404 means.
    static func error(_ status: Int, _ url: String) -> any Error {
        if (400..<500).contains(status), status != 408, status != 429 { return UpstreamStatus(status: status) }
        return UpstreamFailure(description: "\(Address.withoutSecrets(url)): status \(status)", isPassing: true)
    }
}

/// Gets things from the network through libcurl, on the caller's thread; connections are kept and shared.
final class Upstream: Sendable {
    private struct Pool: @unchecked Sendable {
        // A handle is used by one thread at a time: whoever took it out of the pool.
        var idle: [OpaquePointer] = []
    }

    /// What a response begins with.
    struct Head {
        var status: Int
        var length: Int64?
        var type = "application/octet-stream"
        /// Where redirects led.
        var url: String
    }

    private let pool = Mutex(Pool())

    deinit { for handle in pool.withLock({ $0.idle }) { cc_free(handle) } }

    /// Gets a URL, following redirects.
    ///
    /// - Parameters:
    ///   - decode: whether compression in transit is asked for and undone.
    ///   - head: called once, before the first piece of the body.
    ///   - isCancelled: asked once a second; true ends the transfer.
    ///   - body: called with each piece.
    /// - Throws: `UpstreamFailure`, or what the closures throw.
    func get(
        _ url: String, access: UpstreamAccess, accept: String? = nil, decode: Bool = false,
        isCancelled: @escaping () -> Bool = { false }, head: @escaping (Head) throws -> Void,
        body: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let transfer = Transfer(url: url, isCancelled: isCancelled, head: head, body: body)
        var text = [CChar](repeating: 0, count: 256)
        var status = 0
        let code = try withHandle { handle in
            withStrings([
                url, accept, "ibid", access.authorities, access.clientCertificate, access.proxy, access.authorization,
                access.netrc,
            ]) { strings in
                guard let address = strings[0] else { return Int32(-1) }
                var request = cc_request(
                    url: address, accept: strings[1], user_agent: strings[2], ca_file: strings[3],
                    client_cert: strings[4], proxy: strings[5], authorization: strings[6], netrc: strings[7],
                    public_only: access.isPublicOnly ? 1 : 0,
                    insecure: access.trustedHosts.contains(Address.host(of: url)) ? 1 : 0, decode: decode ? 1 : 0,
                    stall_seconds: access.stallSeconds, connect_seconds: 20,
                    body: { bytes, size, context in
                        guard let context else { return 0 }
                        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                        return transfer.receive(UnsafeRawBufferPointer(start: bytes, count: size)) ? size : 0
                    },
                    header: { bytes, size, context in
                        guard let context else { return 0 }
                        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                        transfer.header(UnsafeRawBufferPointer(start: bytes, count: size))
                        return size
                    },
                    check: { context in
                        guard let context else { return 1 }
                        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().isCancelled() ? 1 : 0
                    }, context: Unmanaged.passUnretained(transfer).toOpaque())
                return cc_get(handle, &request, &status, &text)
            }
        }
        if let error = transfer.error { throw error }
        guard code == 0 else {
            if code == CC_REFUSED {
                throw UpstreamFailure(
                    description:
                        "\(Address.withoutSecrets(url)) is inside this host's networks: a recipe cannot name it; "
                        + "if it is your index, tell pip of it (pip config set global.extra-index-url URL)")
            }
            let reason = text[0] == 0 ? String(cString: cc_error(code)) : Self.string(text)
            throw UpstreamFailure(
                description: "\(Address.withoutSecrets(url)): \(reason)", isPassing: cc_is_passing(code) != 0)
        }
        try transfer.begin(decoded: decode)
    }

    /// The whole body, when the server has one.
    ///
    /// - Returns: nil when the server says that there is none (404 and the like).
    func bytes(
        _ url: String, access: UpstreamAccess, accept: String? = nil, limit: Int,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> (body: [UInt8], type: String, url: String)? {
        var found: Head?
        var bytes: [UInt8] = []
        try get(url, access: access, accept: accept, decode: true, isCancelled: isCancelled) {
            found = $0
            if $0.status == 200, let length = $0.length {
                bytes.reserveCapacity(Int(min(max(0, length), Int64(limit))))
            }
        } body: {
            guard bytes.count + $0.count <= limit else {
                throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): the answer is too long")
            }
            bytes += $0
        }
        guard let found else { return nil }
        if found.status == 200 { return (bytes, found.type, found.url) }
        if [404, 410].contains(found.status) { return nil }
        throw UpstreamStatus.error(found.status, url)
    }

    private func withHandle<T>(_ body: (OpaquePointer) throws -> T) throws -> T {
        let idle = pool.withLock { pool -> OpaqueHandle? in pool.idle.popLast().map { OpaqueHandle(pointer: $0) } }
        guard let handle = idle?.pointer ?? cc_new() else {
            throw UpstreamFailure(description: String(cString: cc_problem()))
        }
        let returned = OpaqueHandle(pointer: handle)
        defer { pool.withLock { $0.idle.append(returned.pointer) } }
        return try body(handle)
    }

    private struct OpaqueHandle: @unchecked Sendable { let pointer: OpaquePointer }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func withStrings<T>(_ strings: [String?], _ body: ([UnsafePointer<CChar>?]) -> T) -> T {
        let copies = strings.map { $0.map { Array($0.utf8CString) } }
        func step(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> T {
            guard index < copies.count else { return body(pointers) }
            guard let copy = copies[index] else { return step(index + 1, pointers + [nil]) }
            return copy.withUnsafeBufferPointer { step(index + 1, pointers + [$0.baseAddress]) }
        }
        return step(0, [])
    }
}

private final class Transfer {
    let isCancelled: () -> Bool
    let onHead: (Upstream.Head) throws -> Void
    let onBody: (UnsafeRawBufferPointer) throws -> Void
    var error: (any Error)?
    private var current: Upstream.Head
    private var next: String?
    private var isEncoded = false
    private var begun = false

    init(
        url: String, isCancelled: @escaping () -> Bool, head: @escaping (Upstream.Head) throws -> Void,
        body: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) {
        current = Upstream.Head(status: 0, url: url)
        self.isCancelled = isCancelled
        onHead = head
        onBody = body
    }

    /// Header lines come for each response of a chain of redirects; the last one counts.
    func header(_ bytes: UnsafeRawBufferPointer) {
        let line = DockerfileReader.trimmed(String(decoding: bytes, as: UTF8.self))
        if line.hasPrefix("HTTP/") {
            let status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            current = Upstream.Head(status: status, url: next ?? current.url)
            next = nil
            isEncoded = false
            return
        }
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = DockerfileReader.trimmed(String(line[line.index(after: colon)...]))
        switch line[..<colon].lowercased() {
        case "location" where (300..<400).contains(current.status):
            next = Address.resolve(value, against: current.url)
        case "content-length": current.length = Int64(value)
        case "content-type": current.type = value
        case "content-encoding": isEncoded = value.lowercased() != "identity"
        default: break
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            try begin(decoded: isEncoded)
            // The pages of redirects and errors are nobody's file.
            if current.status == 200 { try onBody(bytes) }
            return true
        } catch {
            self.error = error
            return false
        }
    }

    func begin(decoded: Bool) throws {
        guard !begun else { return }
        begun = true
        if decoded, isEncoded { current.length = nil }
        try onHead(current)
    }
}

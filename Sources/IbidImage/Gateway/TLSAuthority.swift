import CTLSShim
import IbidModel

/// The certificate authority of one gateway: its step trusts it and nothing else, and nothing else trusts it.
final class TLSAuthority: @unchecked Sendable {
    // Not changed after it is made; OpenSSL counts references to its parts atomically.
    private let authority: OpaquePointer

    init() throws {
        guard let authority = ct_authority_new() else {
            throw IbidError.system("make", "a certificate authority", "OpenSSL failed")
        }
        self.authority = authority
    }

    deinit { ct_authority_free(authority) }

    /// Its certificate, in PEM form.
    var certificate: [UInt8] {
        var length = 0
        let bytes = ct_authority_certificate(authority, &length)
        return Array(UnsafeBufferPointer(start: bytes, count: length))
    }

    /// Shakes hands with a client, as the host that it asked for.
    ///
    /// - Throws: `ConnectionClosed` when the client does not trust the authority, or goes away.
    func accept(_ socket: Int32, as host: String) throws -> TLSSession {
        guard let session = ct_accept(authority, socket, host) else { throw ConnectionClosed() }
        return TLSSession(session, of: self)
    }
}

/// A session with one client. Used by one thread.
final class TLSSession {
    private let session: OpaquePointer
    private let authority: TLSAuthority

    fileprivate init(_ session: OpaquePointer, of authority: TLSAuthority) {
        self.session = session
        self.authority = authority
    }

    deinit { ct_session_free(session) }

    /// The number of bytes read; 0 at the end, -1 for a failure.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        return ct_read(session, start, buffer.count)
    }

    /// The number of bytes written; -1 for a failure.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        return ct_write(session, start, bytes.count)
    }
}

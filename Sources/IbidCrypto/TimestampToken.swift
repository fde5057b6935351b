import COpenSSL
import Glibc
public import IbidModel

/// A time stamp (RFC 3161): an authority's word that some data existed at a time.
public struct TimestampToken: Hashable, Sendable {
    /// When, by the authority's clock.
    public var time: Timestamp

    // openssl/ts.h; Swift does not see macros with a suffix and a shift.
    private static let content: Int32 = 1 << 1 | 1 << 4  // version, data
    private static let signature: Int32 = 1 << 0

    /// Checks the answer of an authority over some data: its status, the digest in it, its signature, and the signer's
    /// certificate, which has to be for time stamping, valid today, and lead to one that is trusted.
    ///
    /// - Parameters:
    ///   - response: DER (`TimeStampResp`), as the authority sent it.
    ///   - authorities: a file with the trusted certificates in PEM, and those between; nil to leave the signature
    ///     unjudged, so that only what the answer says of itself is looked at.
    /// - Throws: `not-a-timestamp` with what is wrong.
    public init(verifying response: [UInt8], over data: [UInt8], authorities: String?) throws {
        let parsed = response.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var cursor = bytes.baseAddress
            return d2i_TS_RESP(nil, &cursor, bytes.count)
        }
        guard let parsed else { throw Self.refused("it is no answer of a time stamp authority") }
        defer { TS_RESP_free(parsed) }
        guard let context = TS_VERIFY_CTX_new() else { throw IbidError.crypto("check a time stamp") }
        defer { TS_VERIFY_CTX_free(context) }
        TS_VERIFY_CTX_add_flags(context, Self.content)
        if let authorities {
            guard let trusted = X509_STORE_new() else { throw IbidError.crypto("check a time stamp") }
            // The context frees what it was given.
            TS_VERIFY_CTX_set_store(context, trusted)
            guard X509_STORE_load_locations(trusted, authorities, nil) == 1 else {
                throw Self.refused("there is no certificate in \(authorities)")
            }
            TS_VERIFY_CTX_add_flags(context, Self.signature)
        }
        let holds = data.withUnsafeBytes { bytes -> Bool in
            TS_VERIFY_CTX_set_data(context, BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)))
            return TS_RESP_verify_response(context, parsed) == 1
        }
        guard holds else { throw Self.refused("it does not hold: \(Self.reason())") }
        var clock = tm()
        guard let info = TS_RESP_get_tst_info(parsed), let time = TS_TST_INFO_get_time(info),
            ASN1_TIME_to_tm(time, &clock) == 1
        else { throw Self.refused("it names no time") }
        self.time = Timestamp(seconds: Int64(timegm(&clock)))
    }

    private static func reason() -> String {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            if let text = ERR_reason_error_string(code) { reasons.append(String(cString: text)) }
        }
        return reasons.last ?? "no reason given"
    }

    private static func refused(_ why: String) -> IbidError {
        ERR_clear_error()
        return IbidError("not-a-timestamp", "the time stamp is not accepted: \(why)", exit: .verificationFailed)
    }
}

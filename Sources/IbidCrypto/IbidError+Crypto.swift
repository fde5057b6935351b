import COpenSSL
public import IbidModel

extension IbidError {
    /// OpenSSL failed where it should not; its reason is read at once, on this thread.
    static func crypto(_ operation: String) -> IbidError {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        ERR_clear_error()
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return IbidError("crypto-failed", "OpenSSL could not \(operation): \(reason)")
    }

    /// A key's text or bytes are not a key of the expected kind.
    public static func malformedKey(_ what: String, want: String) -> IbidError {
        IbidError("malformed-key", "\(what) is not \(want)", exit: .verificationFailed)
    }
}

import CGit2
import CGit2Shim

/// Why a libgit2 call failed.
struct GitFailure: Error {
    /// One of `git_error_code`.
    let code: Int32
    /// One of `git_error_t`.
    let kind: Int32
    let message: String

    var isNotFound: Bool { code == GIT_ENOTFOUND.rawValue }
}

enum GitLibrary {
    /// libgit2 is started once and never shut down: it counts its users, and handles may outlive any of them.
    private static let start: Int32 = {
        let result = git_libgit2_init()
        return result < 0 ? result : min(0, cg_allow_extensions())
    }()

    /// To be called before anything else of libgit2.
    static func ensureStarted() throws(GitFailure) { try check(start) }

    /// Throws for a negative result. libgit2 keeps its error per thread, so it is read here and now.
    static func check(_ result: Int32) throws(GitFailure) {
        guard result < 0 else { return }
        guard let error = git_error_last(), let message = error.pointee.message else {
            throw GitFailure(code: result, kind: 0, message: "libgit2 error \(result)")
        }
        throw GitFailure(code: result, kind: error.pointee.klass, message: String(cString: message))
    }
}

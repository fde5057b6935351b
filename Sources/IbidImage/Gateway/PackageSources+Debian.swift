import IbidModel
import Synchronization

extension PackageSources {
    /// Gets a file of Debian's archive by its canonical address.
    func debian(
        _ address: String, expected: Digest?, isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        let known = state.withLock { $0.debian }
        let access = known ?? mirrors()
        if known == nil { state.withLock { $0.debian = access } }
        let url = access.location(of: address)
        do {
            return try fetch(url, access: access.access, expected: expected, isCancelled: isCancelled)
        } catch let error as UpstreamStatus {
            throw UpstreamFailure(
                description: "\(Address.withoutSecrets(url)): \(error)"
                    + (error.wantsCredentials ? "; does 'apt-get update' work on this host?" : ""))
        }
    }
}

import IbidContainer
import IbidModel
import IbidRuntime
import Synchronization

/// A job whose image is built: what all of its runs share.
struct PreparedJob: Sendable {
    var snapshot: SourceSnapshot
    var job: JobSpec
    var name: String
    var build: ImageBuild
    var image: OCI.ImageConfig
    /// The home directory that the image has for its user; nil when it has none.
    var home: String?
    private let known = KnownNumpy()

    private final class KnownNumpy: Sendable {
        let names = Mutex<[InstalledNumpy: CPUPins.NumpyNames]>([:])
    }

    init(snapshot: SourceSnapshot, job: JobSpec, name: String, build: ImageBuild, image: OCI.ImageConfig, home: String?)
    {
        (self.snapshot, self.job, self.name, self.build, self.image) = (snapshot, job, name, build, image)
        self.home = home
    }

    /// What the image's numpy is, looked up once for all runs that look in the same places.
    func numpyNames(
        _ numpy: InstalledNumpy, lookUp: () throws -> CPUPins.NumpyNames
    ) rethrows -> CPUPins.NumpyNames {
        if let names = known.names.withLock({ $0[numpy] }) { return names }
        let names = try lookUp()
        known.names.withLock { $0[numpy] = names }
        return names
    }
}

import CLinux
import Glibc
import IbidContainer
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Makes a base from a lock whose packages are in the store. It has no network, so that what is not in the lock
/// cannot come in.
struct BaseAssembler {
    let store: Store
    let recipe: BaseRecipe
    let isCancelled: () -> Bool
    let progress: (String) -> Void

    /// - Parameter scratch: an empty directory on a file system that takes programs and device nodes.
    func assemble(_ lock: BaseLock, in scratch: FilePath) throws -> OCI.Descriptor {
        // Packages have files of several users and groups.
        guard try ContainerHost.level() > .rootlessSingleID else {
            throw IbidError.bootstrap(
                "putting it together", "this user has one id, and the base has files of several users",
                hint: "give this user a range of ids ('ibid doctor' says how), or add a base that was made elsewhere: "
                    + "ibid base add NAME --from oci:DIR|docker-archive:FILE")
        }
        try ImageEpoch.check(lock.epoch, of: lock.ref)
        let repository = scratch.appending("repository")
        try makeDirectories(repository, mode: 0o755)
        try writeRepository(lock, to: repository)
        let root = scratch.appending("root")
        let list = scratch.appending("installed")
        try write(hook(lock), to: scratch.appending("hook.sh"))
        try write(DebianMirrors.canonicalSources(release: lock.release), to: scratch.appending("sources.list"))
        progress("unpacking \(lock.packages.count) packages")
        try bootstrap(lock, scratch: scratch, repository: repository, root: root)
        try checkInstalled(list, lock)
        try emptyDevices(root)
        progress("writing the layer")
        let normaliser = Normaliser(epoch: Timestamp(seconds: lock.epoch), keepsDirectories: true)
        guard let layer = try captureLayer(upper: root, normaliser: normaliser, into: store) else {
            throw IbidError.bootstrap("writing the layer", "nothing was installed")
        }
        let config = recipe.config(
            epoch: Timestamp(seconds: lock.epoch), architecture: lock.architecture, layer: layer.digest)
        return try store.putImage(config: config, layers: [layer])
    }

    private func writeRepository(_ lock: BaseLock, to repository: FilePath) throws {
        for package in lock.packages {
            try store.verify(package.sha256)
            let path = repository.appending(package.fileName)
            guard symlink(store.path(of: package.sha256).string, path.string) == 0 else {
                throw IbidError.system("create", path.string, lastError())
            }
        }
        let files = Dictionary(
            lock.packages.map { ($0.sha256.hex, $0.fileName) }, uniquingKeysWith: { first, _ in first })
        let stanzas = ControlStanza.parse(String(decoding: try store.read(lock.stanzas), as: UTF8.self))
        var text = ""
        for stanza in stanzas {
            guard let sha256 = stanza["SHA256"], let file = files[sha256] else {
                throw IbidError.bootstrap(
                    "the lock", "it describes \(stanza["Package"] ?? "a package") it does not list")
            }
            text += stanza.replacing("Filename", with: "./\(file)") + "\n\n"
        }
        let bytes = Array(text.utf8)
        try writeAtomically(bytes, to: repository.appending("Packages"))
        // Suite and Codename have to be the release's, or mmdebstrap's selection by archive finds nothing.
        let release = """
            Suite: \(lock.release)
            Codename: \(lock.release)
            Architectures: \(lock.architecture) all
            SHA256:
             \(Digest.sha256(of: bytes).hex) \(bytes.count) Packages

            """
        try write(release, to: repository.appending("Release"))
    }

    /// Makes what the host and the moment would leave in the tree what it is everywhere.
    ///
    /// Nothing is removed below dev, proc and sys: the host's are mounted there while this runs.
    private func hook(_ lock: BaseLock) -> String {
        """
        set -eu
        R=$1 S=$2
        chroot "$R" dpkg-query -W -f '${Package}:${Architecture}=${Version}\\n' > "$S/installed"
        cp "$S/sources.list" "$R/etc/apt/sources.list"
        rm -f "$R"/etc/apt/sources.list.d/*
        for f in hostname resolv.conf hosts; do
            rm -f "$R/etc/$f"
            : > "$R/etc/$f"
            chmod 644 "$R/etc/$f"
        done
        chmod 644 "$R/etc/apt/sources.list"
        rm -f "$R/etc/apt/apt.conf.d/99mmdebstrap" "$R/var/lib/apt/extended_states" "$R"/var/lib/dpkg/*-old \\
            "$R"/var/cache/debconf/*-old "$R"/etc/*- "$R/etc/.pwd.lock" "$R/var/cache/ldconfig/aux-cache" \\
            "$R/var/lib/dbus/machine-id" "$R"/usr/lib/python3*/EXTERNALLY-MANAGED
        rm -rf "$R"/var/log/* "$R"/var/lib/apt/lists/* "$R"/var/cache/apt/*.bin "$R"/var/cache/apt/archives/*.deb

        """
    }

    private func bootstrap(_ lock: BaseLock, scratch: FilePath, repository: FilePath, root: FilePath) throws {
        guard ChildProcess.find("mmdebstrap") != nil else {
            throw IbidError(
                "program-missing", "mmdebstrap is not installed, and the base '\(lock.ref)' is made with it",
                hint: "apt-get install mmdebstrap, or add a base: ibid base add NAME --from oci:DIR|docker-archive:FILE"
            )
        }
        // Its own namespaces: no network, no mount that outlives it, a host name that is the same everywhere; all its
        // processes go when it goes.
        let script = """
            umask 022
            hostname ibid
            exec mmdebstrap --verbose --mode=root --format=directory --variant=minbase "$@" 1>&2
            """
        var options = [
            "--architectures=\(lock.architecture)", "--aptopt=APT::Install-Recommends \"false\"",
            "--aptopt=APT::Sandbox::User \"root\"",
            "--customize-hook=sh '\(scratch)/hook.sh' \"$1\" '\(scratch)'",
        ]
        if !lock.include.isEmpty { options.append("--include=" + lock.include.joined(separator: ",")) }
        var process = try ChildProcess(
            "unshare", package: "util-linux",
            arguments: [
                "--mount", "--propagation", "private", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                "--mount-proc", "sh", "-c", script, "mmdebstrap",
            ] + options + [lock.release, root.string, "deb [trusted=yes] copy:\(repository) ./"])
        process.environment.merge(StepEnvironment.determinism(epoch: Timestamp(seconds: lock.epoch))) { $1 }
        process.environment["TMPDIR"] = scratch.string
        process.isCancelled = isCancelled
        var configured = 0
        process.onErrorLine = { line in
            guard line.hasPrefix("Setting up ") else { return }
            configured += 1
            if configured % 20 == 1 { progress("configuring packages: \(configured) of \(lock.packages.count)") }
        }
        let result = try process.run()
        guard result.status == 0 else { throw IbidError.bootstrap("installing the packages", result.reason) }
    }

    private func checkInstalled(_ list: FilePath, _ lock: BaseLock) throws {
        let text = String(decoding: try readIfPresent(list) ?? [], as: UTF8.self)
        let installed = Set(text.split(separator: "\n").map(String.init))
        let locked = Set(lock.packages.map(\.selector))
        guard installed == locked else {
            let missing = locked.subtracting(installed).sorted().prefix(3).joined(separator: ", ")
            throw IbidError.bootstrap("checking it", "its packages are not those of the lock (\(missing))")
        }
    }

    /// An image has no devices: the runtime gives them.
    private func emptyDevices(_ root: FilePath) throws {
        let dev = root.appending("dev")
        var above = cl_stat()
        for path in [root, dev] + (try names(in: dev).map { dev.appending($0) }) {
            var status = cl_stat()
            let result = cl_stat_at(CL_AT_FDCWD, path.string, 0, &status)
            guard result == 0 else { throw IbidError.system("look at", path.string, errorText(result)) }
            if path == root { above = status }
            // The host's own devices, were they still mounted here, must not be touched.
            guard status.mount_id == above.mount_id else {
                throw IbidError.bootstrap("cleaning up", "\(path) is still mounted")
            }
        }
        try removeTree(dev)
        try makeDirectories(dev, mode: 0o755)
        guard chmod(dev.string, 0o755) == 0 else { throw IbidError.system("set the mode of", dev.string, lastError()) }
    }

    private func write(_ text: String, to path: FilePath) throws { try writeAtomically(Array(text.utf8), to: path) }
}

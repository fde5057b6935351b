import CLinux
import Glibc
import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Brings a job's inputs into the store.
struct JobInputs {
    let store: Store
    /// The unpacked source tree, for the inputs that lie in it.
    let source: () throws -> FilePath

    /// Every input, by name.
    ///
    /// - Parameter overrides: paths on this machine, given on the command line.
    func resolve(_ declared: [String: JobSpec.Input], overrides: [String: FilePath]) throws -> [String: RunSpec.Input] {
        var inputs: [String: RunSpec.Input] = [:]
        for (name, input) in declared where overrides[name] == nil {
            let found: RunSpec.Input
            switch input.origin {
            case .path(let path): found = try fromSource(path, name: name)
            case .url(let url): found = try fromAddress(url, name: name, pinned: input.sha256)
            }
            if let want = input.sha256, want != found.digest { throw IbidError.inputChanged(name, found.digest, want) }
            inputs[name] = found
        }
        for (name, path) in overrides {
            inputs[name] = try fromMachine(path, name: name)
            if let want = declared[name]?.sha256, let got = inputs[name]?.digest, want != got {
                throw IbidError.inputChanged(name, got, want)
            }
        }
        return inputs
    }

    private func fromSource(_ path: String, name: String) throws -> RunSpec.Input {
        let source = try source()
        let root = open(source.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw IbidError.system("open", source.string, lastError()) }
        defer { close(root) }
        // The tree is the user's: a link in it must not reach a file of this machine.
        let descriptor = cl_openat2(root, path, CL_O_RDONLY | CL_O_NONBLOCK, 0, CL_RESOLVE_IN_ROOT)
        guard descriptor >= 0 else {
            throw IbidError(
                "input-not-found", "input \(name): \(path) is not in the commit",
                hint: "commit the file, or give it with --input \(name)=PATH", exit: .notFound)
        }
        defer { close(descriptor) }
        return try read(FilePath("/proc/self/fd/\(descriptor)"), name: name, shown: path)
    }

    private func fromMachine(_ path: FilePath, name: String) throws -> RunSpec.Input {
        guard access(path.string, R_OK) == 0 else {
            throw IbidError(
                "input-not-found", "input \(name): cannot read \(path): \(lastError())",
                hint: "give the path of a readable file", exit: .notFound)
        }
        return try read(path, name: name, shown: path.string)
    }

    private func fromAddress(_ url: String, name: String, pinned: Digest?) throws -> RunSpec.Input {
        guard let pinned else {
            throw IbidError(
                "input-not-pinned", "input \(name): \(url) has no sha256, so nobody could check what was fetched",
                hint: "add sha256 = \"sha256:…\" below url, or give the file with --input \(name)=PATH")
        }
        do {
            let size = try PinnedFile.fetch(url, digest: pinned, into: store)
            return RunSpec.Input(kind: .file, digest: pinned, size: size)
        } catch let error as IbidError where error.code == "file-not-fetched" {
            throw IbidError(
                "input-not-fetched", "input \(name): \(error.message)",
                hint: "fetch it yourself and give it once with --input \(name)=PATH; its digest is checked")
        }
    }

    private func read(_ path: FilePath, name: String, shown: String) throws -> RunSpec.Input {
        var status = stat()
        guard stat(path.string, &status) == 0 else { throw IbidError.system("read", shown, lastError()) }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let (digest, size) = try store.put(file: path)
            return RunSpec.Input(kind: .file, digest: digest, size: size)
        case S_IFDIR:
            guard let layer = try captureLayer(upper: path, normaliser: .content, into: store) else {
                throw IbidError("input-empty", "input \(name): the directory \(shown) is empty")
            }
            return RunSpec.Input(kind: .directory, digest: layer.digest, size: layer.size)
        default:
            throw IbidError("input-not-a-file", "input \(name): \(shown) is neither a file nor a directory")
        }
    }
}

extension IbidError {
    static func inputChanged(_ name: String, _ got: Digest, _ want: Digest) -> IbidError {
        IbidError(
            "input-changed", "input \(name) is \(got), and job.toml pins \(want)",
            hint: "restore the file, or pin the new digest if the change is meant")
    }
}

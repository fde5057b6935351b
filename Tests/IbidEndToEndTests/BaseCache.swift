import Foundation
import IbidCrypto
import IbidModel
import IbidTestSupport
import SystemPackage

/// A home with a Python base in it, made once and copied for each test: bootstrapping takes a minute and the network.
///
/// `IBID_TEST_CACHE` (default `/var/tmp/ibid-test-cache`) keeps it between runs of the tests:
/// - `base`: an OCI layout with the base that the first run bootstrapped; `made`: the store that it was made in.
/// - `home-<key>`: a home whose store and layers hold it; the key is of the code that writes them.
enum BaseCache {
    static let directory = FilePath(
        ProcessInfo.processInfo.environment["IBID_TEST_CACHE"] ?? "/var/tmp/ibid-test-cache")

    static let isPossible = isRoot && has("crun") && has("mmdebstrap") && has("git") && has("skopeo")
    static let requirement = "needs root, crun, mmdebstrap, git and skopeo"

    /// A home whose store has the base as it was made, with its packages.
    static func madeHome() throws -> FilePath {
        _ = try home()
        return directory.appending("made")
    }

    /// The home to copy from. Tests never write into it.
    static func home() throws -> FilePath { try made.get() }

    private static let made = Result<FilePath, any Error> {
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        // Two runs of the tests may start at the same time.
        let script = """
            set -euo pipefail
            exec 9> lock; flock 9
            rm -rf partial; find . -maxdepth 1 -name 'work-*' -mmin +600 -exec rm -rf {} +
            if [ ! -e base ] || [ ! -e made ]; then
                mkdir -p partial/job; cd partial/job
                echo 'FROM python:3.11' > Dockerfile
                git init -q .; git add .; git -c user.name=A -c user.email=a@example.org commit -qm base
                IBID_HOME=$PWD/../home "$IBID" image build . > /dev/null
                skopeo copy -q oci:$PWD/../home/store:bootstrap/python:3.11-bookworm oci:$PWD/../base:python
                cd ../..; rm -rf base made; mkdir partial/made; mv partial/home/store partial/made/
                mv partial/made made; mv partial/base base; rm -rf partial home-*
            fi
            if [ ! -e home-$KEY ]; then
                rm -rf home-*
                IBID_HOME=$PWD/partial "$IBID" base add python:3.11 --from oci:$PWD/base > /dev/null
                mkdir job-$$; cd job-$$
                printf 'FROM python:3.11\\nRUN true\\n' > Dockerfile
                git init -q .; git add .; git -c user.name=A -c user.email=a@example.org commit -qm unpack
                IBID_HOME=$PWD/../partial "$IBID" image build . > /dev/null
                cd ..; rm -rf job-$$ partial/ledger.sqlite* partial/keys partial/runs
                mv partial home-$KEY
            fi
            """
        let key = try sourceKey()
        let result = try shell(
            ["bash", "-c", script], in: directory.string,
            environment: ["IBID": try builtProgram("ibid").string, "KEY": key])
        guard result.status == 0 else { throw IbidError("test-setup", "no base for the tests: \(result.stderr)") }
        return directory.appending("home-\(key)")
    }

    /// Of the code that decides what a store and unpacked layers look like.
    private static func sourceKey() throws -> String {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        var text = ""
        for part in ["IbidStore", "IbidLayer", "IbidImage"] {
            let place = sources.appendingPathComponent(part)
            let files = FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil)
            let paths = (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            for file in paths.sorted(by: { $0.path < $1.path }) {
                text += try String(contentsOf: file, encoding: .utf8)
            }
        }
        return String(Digest.sha256(of: text).hex.prefix(16))
    }
}

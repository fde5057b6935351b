import Foundation
import IbidCrypto
import IbidModel
import SystemPackage

/// Programs that others wrote, in a Python environment of their own: securesystemslib, in-toto-attestation, rfc8785, jcs,
/// scitt-cose, pymerkle, model-signing, roc-validator, bagit, prov and cyclonedx.
public enum ForeignVerifiers {
    private static let tests = FilePath(#filePath).removingLastComponent().removingLastComponent()

    /// The Python of the environment, made once and kept; nil where the packages cannot be had.
    public static let python: String? = {
        let foreign = tests.appending("IbidLedgerTests/Foreign")
        let requirements = foreign.appending("requirements.txt").string
        let seed = foreign.appending("seed_rocrate_cache.py").string
        guard let text = try? String(contentsOfFile: requirements, encoding: .utf8),
            let seedText = try? String(contentsOfFile: seed, encoding: .utf8), has("python3")
        else { return nil }
        let home = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let environment = "\(home)/ibid-tests/verifiers-\(Digest.sha256(of: text + seedText).hex.prefix(16))"
        let python = environment + "/bin/python"
        // Two bundles of tests may ask at the same time.
        let script = """
            set -e
            mkdir -p "$(dirname "$1")"; exec 9> "$1.lock"; flock 9
            [ ! -e "$1/ready" ] || exit 0
            python3 -m venv --clear "$1"
            "$1/bin/python" -m pip install --quiet --requirement "$2"
            "$1/bin/python" -m pip download --quiet --no-deps --dest "$1/wheels" rocrate==0.15.0
            "$1/bin/python" "$3" "$1"/wheels/rocrate-*.whl "$1/rocrate-cache"
            touch "$1/ready"
            """
        let made = try? shell(["bash", "-c", script, "bash", environment, requirements, seed])
        return made?.status == 0 ? python : nil
    }()

    /// Go's own code for signed notes and Merkle trees, built once; nil where Go or `golang.org/x/mod` is missing.
    public static let tlogcheck: String? = {
        let source = tests.appending("IbidEndToEndTests/Foreign/tlogcheck.go").string
        guard has("go"), FileManager.default.fileExists(atPath: "/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog"),
            let text = try? String(contentsOfFile: source, encoding: .utf8)
        else { return nil }
        let home = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let program = "\(home)/ibid-tests/tlogcheck-\(Digest.sha256(of: text).hex.prefix(16))"
        if FileManager.default.fileExists(atPath: program) { return program }
        let built = try? shell(
            ["go", "build", "-o", program, source],
            environment: [
                "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": NSTemporaryDirectory() + "ibid-gocache",
            ])
        return built?.status == 0 ? program : nil
    }()
}

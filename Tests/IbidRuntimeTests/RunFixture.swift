import Foundation
import IbidContainer
import IbidCrypto
import IbidLayer
import IbidModel
import IbidRuntime
import IbidStore
import IbidTestSupport
import SystemPackage

/// A store with a busybox image in it, and an executor.
struct RunFixture {
    let scratch: FilePath
    let store: Store
    let image: Digest
    let executor: RunExecutor
    let containers: ContainerFixture
    let layers: LayerCache

    /// - Parameter extend: adds files to the image's only layer.
    init(scratch: FilePath, extend: (FilePath) throws -> Void = { _ in }) throws {
        self.scratch = scratch
        containers = try ContainerFixture(scratch: scratch)
        try extend(containers.layer)
        store = try Store.open(at: scratch.appending("store"))
        layers = LayerCache(root: scratch.appending("layers"), store: store)
        let epoch = Timestamp(seconds: 1_700_000_000)
        guard
            let layer = try captureLayer(
                upper: containers.layer, normaliser: Normaliser(epoch: epoch), into: store)
        else { throw IbidError("test-setup", "the busybox layer is empty") }
        image =
            try store.putImage(
                config: OCI.ImageConfig(
                    created: epoch.description, architecture: "amd64", os: "linux", config: nil,
                    rootfs: OCI.RootFS(diffIDs: [layer.digest]), history: nil),
                layers: [layer]
            ).digest
        executor = RunExecutor(store: store, layers: layers, host: containers.host)
    }

    /// A spec for a shell script in /work.
    func spec(_ script: String) -> RunSpec {
        RunSpec(
            image: image, platform: "linux/amd64", command: ["/bin/sh", "-c", script], workingDirectory: "/work",
            user: "", environment: ["PATH": "/bin", "HOME": "/root"], params: [:], inputs: [:], outputs: [],
            limits: Limits(
                memoryBytes: 256 << 20, cpuMillis: 2_000, pids: 64, wallSeconds: 30, outputBytes: 8 << 20,
                outputFiles: 100, openFiles: 256),
            compare: [], determinism: .default, runtime: "crun")
    }

    /// What a run gave.
    struct Outcome {
        var result: RunResult
        var measurement: RunMeasurement
        var store: Store

        func stdout() throws -> String { String(decoding: try store.read(result.stdout), as: UTF8.self) }
        func stderr() throws -> String { String(decoding: try store.read(result.stderr), as: UTF8.self) }
        /// Content by path.
        func outputs() throws -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: try result.outputs.map {
                    ($0.path, String(decoding: try store.read($0.digest), as: UTF8.self))
                })
        }
    }

    func run(
        _ spec: RunSpec, stdout: RunExecutor.LiveSink? = nil, stderr: RunExecutor.LiveSink? = nil,
        ports: PortForwarder? = nil, stop: ContainerStop? = nil
    ) throws -> Outcome {
        let (result, measurement) = try executor.run(
            spec, workspace: try containers.workspace(), stdout: stdout, stderr: stderr, ports: ports, stop: stop)
        return Outcome(result: result, measurement: measurement, store: store)
    }

    /// Runs a script with a change of its spec.
    func sh(_ script: String, _ change: (inout RunSpec) throws -> Void = { _ in }) throws -> Outcome {
        var spec = spec(script)
        try change(&spec)
        return try run(spec)
    }
}

/// A fixture in a scratch directory.
func withRuns<T>(
    _ name: String = #function, extend: (FilePath) throws -> Void = { _ in }, _ body: (RunFixture) throws -> T
) throws -> T {
    try withScratch(name) { try body(try RunFixture(scratch: $0, extend: extend)) }
}

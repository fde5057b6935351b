import Foundation
import IbidContainer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidRuntime

/// Devices of the Container Device Interface, with a made-up one: the host's null device under another name.
@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct DeviceTests {
    private func describe(_ text: String, _ name: String, in scratch: FilePath) throws -> FilePath {
        let directory = scratch.appending("cdi")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.appending(name).string))
        return directory
    }

    private func specification(_ library: FilePath) -> String {
        """
        {"cdiVersion": "0.6.0", "kind": "vendor.example/gpu",
         "containerEdits": {"env": ["GPU_VENDOR=example"],
           "mounts": [{"hostPath": "\(library)", "containerPath": "/usr/lib/libgpu.so", "options": ["ro", "bind"]}]},
         "devices": [
           {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/zero"}]}},
           {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/gpu1", "hostPath": "/dev/zero"}],
             "env": ["GPU_SECOND=yes"],
             "hooks": [{"hookName": "createContainer", "path": "/bin/sh",
                        "args": ["sh", "-c", "cat > /dev/null"]}]}}]}
        """
    }

    @Test(arguments: ["crun", "runc"])
    func aRunGetsWhatTheDescriptionSays(_ runtime: String) throws {
        guard has(runtime) else { return }
        try withRuns { runs in
            let library = FilePath("/etc/debian_version")  // any file that every machine of the tests has
            let code = try String(contentsOfFile: library.string, encoding: .utf8)
            let directory = try describe(specification(library), "vendor.json", in: runs.scratch)
            let executor = RunExecutor(
                store: runs.store, layers: runs.layers, host: runs.containers.host, deviceSpecs: [directory])
            let catalog = try DeviceCatalog(directories: [directory])
            #expect(try catalog.resolve("all") == ["vendor.example/gpu=0", "vendor.example/gpu=1"])
            #expect(try catalog.resolve("1") == ["vendor.example/gpu=0"])
            var spec = runs.spec(
                "head -c 4 /dev/gpu1 > four; cat /usr/lib/libgpu.so; echo $GPU_VENDOR $GPU_SECOND; "
                    + "echo x > /usr/lib/libgpu.so; ls /dev/gpu0")
            spec.runtime = runtime
            spec.devices = try catalog.resolve("vendor.example/gpu=1")
            let (result, _) = try executor.run(spec, workspace: try runs.containers.workspace())
            let errors = String(decoding: try runs.store.read(result.stderr), as: UTF8.self)
            #expect(
                String(decoding: try runs.store.read(result.stdout), as: UTF8.self) == code + "example yes\n",
                "\(errors)")
            #expect(errors.contains("libgpu.so: Read-only file system"))
            #expect(errors.contains("/dev/gpu0: No such file"))
            #expect(result.outputs.map(\.size) == [4])
        }
    }

    @Test func whatCannotBeMeantIsRefused() throws {
        try withScratch { scratch in
            func device(_ edits: String) -> String {
                "{\"kind\": \"a.example/gpu\", \"devices\": [{\"name\": \"0\", \"containerEdits\": {\(edits)}}]}"
            }
            func problem(_ edits: String) throws -> String? {
                let directory = try describe(device(edits), "a.json", in: scratch)
                return #expect(throws: IbidError.self) {
                    try DeviceCatalog(directories: [directory]).devices(["a.example/gpu=0"])
                }?.message
            }
            #expect(try problem("\"additionalGids\": [44]")?.contains("additionalGids") == true)
            #expect(try problem("\"intelRdt\": {}")?.contains("intelRdt") == true)
            #expect(try problem("\"deviceNodes\": [{}]")?.contains("without 'path'") == true)
            #expect(try problem("\"deviceNodes\": [{\"path\": \"/dev/no-such\"}]")?.contains("/dev/no-such") == true)
            #expect(try problem("\"env\": [\"A\"]")?.contains("without '='") == true)
            // Twice in one request is once; twice in one directory is nothing; a later directory wins.
            let node = "\"deviceNodes\": [{\"path\": \"/dev/null\"}]"
            let first = try describe(device(node), "a.json", in: scratch)
            #expect(try DeviceCatalog(directories: [first]).resolve("0,a.example/gpu=0") == ["a.example/gpu=0"])
            let later = try describe(device("\"env\": [\"LATER=1\"]"), "c.json", in: scratch.appending("later"))
            let merged = try DeviceCatalog(directories: [first, later]).devices(["a.example/gpu=0"])
            #expect(merged.environment == ["LATER": "1"] && merged.mounts.isEmpty)
            _ = try describe(device(node), "b.json", in: scratch)
            let rivals = #expect(throws: IbidError.self) {
                try DeviceCatalog(directories: [first]).devices(["a.example/gpu=0"])
            }
            #expect(rivals?.message.contains("a.json") == true && rivals?.message.contains("b.json") == true)
        }
    }

    @Test func whatIsMissingIsSaid() throws {
        try withScratch { scratch in
            let empty = try DeviceCatalog(directories: [scratch])
            #expect(throws: IbidError.self) { try empty.resolve("all") }
            let yaml = try describe("kind: a/gpu", "a.yaml", in: scratch)
            let hint = #expect(throws: IbidError.self) { try DeviceCatalog(directories: [yaml]).resolve("all") }?.hint
            #expect(hint?.contains("a.yaml is YAML") == true)
            _ = try describe("{\"kind\": 1}", "b.json", in: scratch)
            let error = #expect(throws: IbidError.self) { try DeviceCatalog(directories: [yaml]) }
            #expect(error?.code == "device-spec")
            #expect(error?.message.contains("b.json") == true)
        }
    }
}

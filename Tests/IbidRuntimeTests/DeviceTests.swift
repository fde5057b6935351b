import Foundation
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

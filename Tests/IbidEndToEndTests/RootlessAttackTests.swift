import Foundation
import IbidTestSupport
import SystemPackage
import Testing

/// The probes of AttackTests, submitted by an ordinary user of the host: with a range of ids and with one.
@Suite(
    .enabled(
        if: ScratchUser.isPossible && has("runc") && has("cc") && has("python3"),
        Comment(rawValue: ScratchUser.requirement + ", runc, python3 and a C compiler")))
struct RootlessAttackTests {
    // What a container sees of its ids are those of the user's own namespace, where the user is root. Whose they are
    // outside is asked there (RootlessTests).
    private static let known = ["root_is_host_root": "0 is 0"]

    /// Keeps owners, modes and attributes, which git does not.
    private static let pack = """
        import os, sys, tarfile
        def keep(entry):
            path = os.path.join(sys.argv[2], entry.name)
            for name in os.listxattr(path, follow_symlinks=False):
                entry.pax_headers['SCHILY.xattr.' + name] = os.getxattr(path, name).decode('utf-8', 'surrogateescape')
            return entry
        with tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT) as archive:
            archive.add(sys.argv[2], '.', filter=keep)
        """

    @Test(arguments: [OrdinaryUser.IDs.range, .one])
    func nothingGetsOut(_ ids: OrdinaryUser.IDs) throws {
        try withScratch { scratch in
            let bench = try ScratchUser(ids, in: scratch)
            let (root, data) = (scratch.appending("root"), scratch.appending("data"))
            try AttackWorld.addProbes(to: root)
            try Bench.run(
                ["python3", "-c", Self.pack, bench.job.appending("root.tar").string, root.string], in: "/")
            try Data("data\n".utf8).write(to: URL(fileURLWithPath: data.string))
            let dockerfile = "FROM scratch\nADD root.tar /\nWORKDIR /work\nUSER "
            try bench.commit(["Dockerfile.0": dockerfile + "0\n", "Dockerfile.1000": dockerfile + "1000\n"])
            let world = try AttackWorld(scratch: scratch, files: [bench.home.appending("ledger.sqlite"), bench.job])
            defer { world.end() }
            for runtime in ["crun", "runc"] {
                for inner in ids == .range ? ["0", "1000"] : ["0"] {
                    let run = try bench.call(
                        [
                            "submit", ".", "--file", "Dockerfile.\(inner)", "--runtime", runtime, "--input",
                            "file=\(data)", "--", AttackWorld.probe,
                        ] + world.arguments)
                    #expect(run.status == 0, "\(run.stderr)")
                    run.stdout.utf8CString.withUnsafeBytes { AttackWorld.show($0) }
                    #expect(
                        AttackWorld.openDoors(run.stdout, except: Self.known) == [], "\(ids), \(runtime), \(inner)")
                }
            }
            #expect(try String(contentsOfFile: data.string, encoding: .utf8) == "data\n")
            // Nobody of it was anybody but the user and the user's own ids.
            let owners = try Bench.run(["find", bench.home.string, "-printf", "%U\\n"], in: "/").split(separator: "\n")
            let own = Set(owners.compactMap { Int($0) }).subtracting([OrdinaryUser.id])
            #expect(own.allSatisfy { (0..<65_536).contains($0 - OrdinaryUser.firstSubordinate) }, "\(own)")
        }
    }
}

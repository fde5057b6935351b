import Foundation
import IbidContainer
import IbidCrypto
import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage

/// A home with the tests' Python base, and a builder in it.
struct BuildFixture {
    let home: FilePath
    let store: Store
    let builder: ImageBuilder

    init(home: FilePath) throws {
        self.home = home
        store = try Store.open(at: home.appending("store"))
        let host = ContainerHost(sandbox: try Self.sandbox(), stateDirectory: home.appending("runs"))
        try FileManager.default.createDirectory(
            atPath: host.stateDirectory.string, withIntermediateDirectories: true)
        // Unpacking the base costs seconds: all tests of one machine share the unpacked layers.
        builder = ImageBuilder(
            store: store, layers: LayerCache(root: TestBase.cache.appending("layers"), store: store), host: host,
            cache: home.appending("cache"))
    }

    /// Takes the tests' base into this home.
    func addBase() throws {
        let (cached, base) = try TestBase.store()
        _ = try builder.bases.add(name: "python:3.11", from: .layout(cached.root, ref: base.ref))
    }

    /// A snapshot of files that no repository has; those whose name ends with `*` are executable.
    func snapshot(_ files: [String: String]) throws -> SourceSnapshot {
        try snapshot(bytes: files.mapValues { Array($0.utf8) })
    }

    /// The same for files that are no text.
    func snapshot(bytes files: [String: [UInt8]]) throws -> SourceSnapshot {
        let writer = try store.writer()
        var tar = TarWriter { try writer.write($0) }
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            let isExecutable = name.hasSuffix("*")
            let path = Array((isExecutable ? String(name.dropLast()) : name).utf8)
            try tar.add(
                TarEntry(path: path, kind: .file(size: Int64(content.count)), mode: isExecutable ? 0o755 : 0o644))
            try tar.content(content)
        }
        try tar.finish()
        let (digest, size) = try writer.finish()
        guard let none = GitObjectID(String(repeating: "0", count: 40)) else { throw CocoaError(.coderInvalidValue) }
        return SourceSnapshot(
            commit: none, tree: none, rootTree: none, subdirectory: "", dirty: false, revision: "HEAD", origin: nil,
            layer: digest, layerSize: size, proof: digest)
    }

    func build(
        _ files: [String: String], _ change: (inout ImageBuildOptions) -> Void = { _ in },
        progress: @escaping (ImageBuildEvent) -> Void = { _ in }
    ) throws -> ImageBuild {
        var options = ImageBuildOptions(ref: "test")
        change(&options)
        return try builder.build(snapshot: try snapshot(files), options: options, progress: progress)
    }

    /// The files of a layer, by path.
    func files(_ layer: Digest) throws -> [String: String] {
        let reader = try TarReader(file: store.path(of: layer))
        var files: [String: String] = [:]
        while let entry = try reader.next() {
            var bytes: [UInt8] = []
            try reader.readContent { bytes += $0 }
            files[entry.displayPath] = String(decoding: bytes, as: UTF8.self)
        }
        return files
    }

    private static func sandbox() throws -> FilePath {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        let directory =
            bundle.map { FilePath($0).removingLastComponent() }
            ?? FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending(".build/debug")
        return directory.appending("ibid-sandbox")
    }
}

/// A build fixture in a scratch directory.
func withBuilder<T>(_ name: String = #function, base: Bool = true, _ body: (BuildFixture) throws -> T) throws -> T {
    try withScratch(name) {
        let fixture = try BuildFixture(home: $0)
        if base { try fixture.addBase() }
        return try body(fixture)
    }
}

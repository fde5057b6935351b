import Foundation
import Glibc
import IbidCrypto
@testable import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite(
    "built-in bases", .enabled(if: TestBase.isPossible, "needs root, mmdebstrap, crun, skopeo and umoci"), .serialized)
struct BaseTests {
    @Test("the Python base is made, or found in the cache, and other tools read it")
    func python() throws {
        let (store, base) = try TestBase.store()
        let inspected = try shell(["skopeo", "inspect", "oci:\(store.root):\(base.ref)"])
        #expect(inspected.status == 0, "\(inspected.stderr)")
        let lock = try store.read(BaseLock.self, from: try #require(base.lock))
        #expect(lock.packages.contains { $0.name == "python3-pip" })
        #expect(lock.packages.allSatisfy { store.contains($0.sha256) })
        let config = try store.imageConfig(try store.manifest(base.manifest.digest))
        #expect(config.created == "\(Timestamp(seconds: lock.epoch))")
    }

    @Test("nothing of the host or the moment is in it, and nothing that hinders pip")
    func content() throws {
        let (store, base) = try TestBase.store()
        let lock = try store.read(BaseLock.self, from: try #require(base.lock))
        let layer = try #require(try store.manifest(base.manifest.digest).layers.first)
        let reader = try TarReader(file: store.path(of: layer.digest))
        var files: [String: String] = [:]
        var newest: Int64 = 0
        while let entry = try reader.next() {
            newest = max(newest, entry.mtime)
            files[entry.displayPath] = ""
            if ["etc/hostname", "etc/resolv.conf", "etc/hosts", "etc/apt/sources.list"].contains(entry.displayPath) {
                var bytes: [UInt8] = []
                try reader.readContent { bytes += $0 }
                files[entry.displayPath] = String(decoding: bytes, as: UTF8.self)
            }
            if case .characterDevice = entry.kind { Issue.record("a device: \(entry.displayPath)") }
        }
        #expect(newest == lock.epoch)
        #expect(files["etc/hostname"] == "" && files["etc/resolv.conf"] == "" && files["etc/hosts"] == "")
        #expect(
            files["etc/apt/sources.list"] == """
                deb http://deb.debian.org/debian bookworm main
                deb http://deb.debian.org/debian bookworm-updates main
                deb http://deb.debian.org/debian-security bookworm-security main

                """)
        for there in ["tmp", "run", "var/tmp", "dev", "proc", "sys", "usr/bin/python", "usr/bin/pip"] {
            #expect(files[there] != nil, "\(there)")
        }
        for gone in [
            "usr/lib/python3.11/EXTERNALLY-MANAGED", "etc/apt/apt.conf.d/99mmdebstrap", "var/log/apt/history.log",
        ] {
            #expect(files[gone] == nil, "\(gone)")
        }
    }

    @Test("made again from its lock: no network, another disk and time zone, the same bytes")
    func rebuild() throws {
        try withScratch { scratch in
            let (cached, base) = try TestBase.store()
            let store = try Store.open(at: scratch.appending("store"))
            let digest = try #require(base.lock)
            let lock = try cached.read(BaseLock.self, from: digest)
            for blob in [digest, lock.stanzas] + lock.packages.map(\.sha256) {
                #expect(try store.put(file: cached.path(of: blob)).digest == blob)
            }
            // Not another umask: it would be that of every test beside this one.
            setenv("TZ", "Asia/Kathmandu", 1)
            setenv("LC_ALL", "C", 1)
            defer {
                unsetenv("TZ")
                unsetenv("LC_ALL")
            }
            let catalog = BaseCatalog(
                store: store, cache: scratch.appending("bases"), scratch: scratch.appending("disk"))
            let again = try catalog.rebuild(lock: digest)
            #expect(again.manifest.digest == base.manifest.digest)
            #expect(try catalog.find("python:3-slim")?.manifest.digest == base.manifest.digest)
        }
    }

    @Test("an altered package is noticed before it is used")
    func altered() throws {
        try withScratch { scratch in
            let (cached, base) = try TestBase.store()
            let store = try Store.open(at: scratch.appending("store"))
            let digest = try #require(base.lock)
            let lock = try cached.read(BaseLock.self, from: digest)
            for blob in [digest, lock.stanzas] + lock.packages.map(\.sha256) {
                try store.put(file: cached.path(of: blob))
            }
            let package = try #require(lock.packages.first)
            let path = store.path(of: package.sha256).string
            #expect(chmod(path, 0o644) == 0)
            try Data("not a package".utf8).write(to: URL(fileURLWithPath: path))
            let catalog = BaseCatalog(store: store, cache: scratch.appending("bases"))
            let error = #expect(throws: IbidError.self) { try catalog.rebuild(lock: digest) }
            #expect(error?.code == "corrupt-blob")
        }
    }
}

@Suite("names of bases")
struct BaseNameTests {
    static let names: [(String, String?)] = [
        ("debian:bookworm", "bootstrap/debian:bookworm"), ("debian:12-slim", "bootstrap/debian:bookworm"),
        ("docker.io/library/debian:bookworm-slim", "bootstrap/debian:bookworm"),
        ("debian:trixie", "bootstrap/debian:trixie"), ("debian", "bootstrap/debian:trixie"),
        ("debian:11-slim", "bootstrap/debian:bullseye"), ("debian:10", nil), ("debian:12.5", nil),
        ("python", "bootstrap/python:3.11-bookworm"), ("python:3", "bootstrap/python:3.11-bookworm"),
        ("python:3.11-slim-bookworm", "bootstrap/python:3.11-bookworm"),
        ("library/python:slim", "bootstrap/python:3.11-bookworm"), ("python:3.12", nil), ("python:3.11-alpine", nil),
        ("python:bookworm", "bootstrap/python:3.11-bookworm"), ("python:3-slim", "bootstrap/python:3.11-bookworm"),
        ("python:3.9", "bootstrap/python:3.9-bullseye"), ("python:3.13-slim-trixie", "bootstrap/python:3.13-trixie"),
        ("python:3.9-bookworm", nil), ("python:3.11-trixie", nil), ("python:3.11.4", nil), ("python:", nil),
        ("python:-slim", nil),
        ("ibid/datascience", "ibid/datascience:bookworm"), ("ubuntu:22.04", nil), ("me/python:3.11", nil), ("", nil),
        (":", nil),
    ]

    @Test(arguments: names.indices)
    func builtIn(_ index: Int) {
        let (name, ref) = Self.names[index]
        #expect(BaseRecipe.named(name)?.ref == ref)
    }
}

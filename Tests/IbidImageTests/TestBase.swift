import Foundation
import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage

/// The Python base that tests build on: made once per machine, then copied into each test's home.
enum TestBase {
    /// Why tests that need real containers and a real base are skipped; nil when they can run.
    static let obstacle: String? = {
        if !isRoot { return "needs root" }
        for program in ["mmdebstrap", "crun", "skopeo", "umoci"] where !has(program) { return "needs \(program)" }
        return nil
    }()

    static let isPossible = obstacle == nil

    static var cache: FilePath {
        FilePath(ProcessInfo.processInfo.environment["IBID_TEST_CACHE"] ?? "/var/tmp/ibid-test-cache")
    }

    /// A store that has the built-in Python base, in the tests' cache.
    static func store() throws -> (Store, BaseCatalog.Base) {
        let store = try Store.open(at: cache.appending("store"))
        let catalog = BaseCatalog(store: store, cache: cache.appending("bases"))
        return (store, try catalog.resolve("python:3.11", progress: { print("base: \($0)") }))
    }
}

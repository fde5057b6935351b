import Foundation
import IbidImage
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
        let inspected = try shell(["skopeo", "inspect", "--raw", "oci:\(store.root):\(base.ref)"])
        #expect(inspected.status == 0, "\(inspected.stderr)")
        let lock = try store.read(BaseLock.self, from: try #require(base.lock))
        #expect(lock.packages.contains { $0.name == "python3-pip" })
        #expect(lock.packages.allSatisfy { store.contains($0.sha256) })
    }
}

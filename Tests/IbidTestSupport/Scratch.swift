import Foundation
public import SystemPackage

/// Gives a test a directory of its own and removes it afterwards, also when the test throws.
///
/// `IBID_KEEP_SCRATCH=1` keeps it, to look at what a failed test left.
public func withScratch<T>(_ name: String = #function, _ body: (FilePath) throws -> T) throws -> T {
    let safe = String(name.map { $0.isLetter || $0.isNumber ? $0 : "-" }.prefix(40))
    let path = FilePath(NSTemporaryDirectory()).appending("ibid-\(safe)-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    defer {
        if ProcessInfo.processInfo.environment["IBID_KEEP_SCRATCH"] == nil {
            try? FileManager.default.removeItem(atPath: path.string)
        }
    }
    return try body(path)
}

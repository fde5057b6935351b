import Foundation
import Testing

/// The rules of the source tree that the compiler does not know. A rule that nothing checks is not one.
@Suite struct ArchitectureTests {
    /// The levels: a target imports from below its own. Within levels 1, 2 and 5 targets may build on each other, the
    /// stages of level 3 never do: they exchange records of IbidModel.
    private static let levels: [String: Int] = [
        "IbidModel": 1, "IbidCrypto": 1, "IbidMerkle": 1,
        "IbidStore": 2, "IbidLayer": 2, "IbidContainer": 2, "IbidTOML": 2, "IbidCompare": 2,
        "IbidJob": 3, "IbidSource": 3, "IbidImage": 3, "IbidRuntime": 3, "IbidLedger": 3, "IbidExport": 3,
        "IbidEngine": 4,
        "IbidCommands": 5, "ibid": 5,
    ]

    /// Modules that only some targets may import: C and packages stay behind one target each.
    private static let confined: [String: Set<String>] = [
        "CGit2": ["IbidSource"], "CGit2Shim": ["IbidSource"],
        "COpenSSL": ["IbidCrypto"],
        "CCurlShim": ["IbidImage"], "CTLSShim": ["IbidImage"],
        "CZlib": ["IbidCompare"], "CCodecShim": ["IbidCompare"], "CSQLite": ["IbidCompare", "IbidLedger"],
        "TOMLKit": ["IbidTOML"],
        "ArgumentParser": ["IbidCommands"],
        // It brings languages and calendars along, 40 MB of them, which each start would have to place in memory.
        "Foundation": [],
    ]

    /// The values know nothing of files, threads or processes.
    private static let pure: [String: Set<String>] = [
        "IbidModel": ["SystemPackage", "FoundationEssentials"],
        "IbidMerkle": ["IbidModel", "IbidCrypto", "FoundationEssentials"],
        "IbidCompare": ["IbidModel", "CZlib", "CCodecShim", "CSQLite", "FoundationEssentials"],
    ]

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func swiftFiles(below directory: String) throws -> [URL] {
        let place = root.appendingPathComponent(directory)
        let files = try #require(FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.sorted { $0.path < $1.path }
    }

    /// The modules that a file imports.
    private static func imports(of file: URL) throws -> Set<String> {
        let modifiers: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        var modules: Set<String> = []
        for line in try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline) {
            var words = line.split(separator: " ").drop { modifiers.contains($0) || $0.hasPrefix("@") }
            guard words.first == "import" else { continue }
            words = words.dropFirst().drop { kinds.contains($0) }
            if let path = words.first { modules.insert(String(path.prefix { $0 != "." })) }
        }
        return modules
    }

    private static func importsByTarget() throws -> [(target: String, file: URL, modules: Set<String>)] {
        try swiftFiles(below: "Sources").map { file in
            let components = file.pathComponents
            let index = try #require(components.lastIndex(of: "Sources"))
            return (components[index + 1], file, try imports(of: file))
        }
    }

    @Test func everyTargetHasALevel() throws {
        let sources = Self.root.appendingPathComponent("Sources").path
        for name in try FileManager.default.contentsOfDirectory(atPath: sources) {
            let isC = ["ibid-sandbox", "ibid-init", "ibid-strict"].contains(name) || name.hasPrefix("C")
            #expect(isC || Self.levels[name] != nil, "\(name) has no level")
        }
    }

    @Test func importsGoDown() throws {
        for (target, file, modules) in try Self.importsByTarget() {
            let level = try #require(Self.levels[target], "\(target) has no level")
            for module in modules {
                if let allowed = Self.confined[module] {
                    #expect(allowed.contains(target), "\(file.lastPathComponent): \(target) may not import \(module)")
                }
                if let other = Self.levels[module] {
                    let allowed = level == 3 || level == 4 ? other < level : other <= level
                    #expect(allowed, "\(file.lastPathComponent): \(target) may not import \(module)")
                }
                if let allowed = Self.pure[target] {
                    #expect(allowed.contains(module), "\(file.lastPathComponent): \(target) may not import \(module)")
                }
            }
            if level == 5 {
                let stages = modules.filter { (2...3).contains(Self.levels[$0] ?? 0) }
                #expect(stages.isEmpty, "\(file.lastPathComponent): commands see the engine, not \(stages)")
            }
        }
    }

    /// The manifest declares what is imported, and nothing that goes up.
    @Test func manifestAgrees() throws {
        let manifest = try Self.manifest()
        for (target, file, modules) in try Self.importsByTarget() {
            let declared = try #require(manifest[target], "\(target) is not in Package.swift")
            for module in modules where Self.levels[module] != nil || Self.confined[module] != nil {
                #expect(declared.contains(module), "\(file.lastPathComponent) imports \(module), which is not declared")
            }
        }
        for (target, level) in Self.levels {
            let declared = try #require(manifest[target], "\(target) is not in Package.swift")
            for module in declared {
                let other = Self.levels[module] ?? 0
                #expect(level == 3 ? other < 3 : other <= level, "Package.swift: \(target) depends on \(module)")
                #expect(
                    Self.confined[module]?.contains(target) ?? true, "Package.swift: \(target) depends on \(module)")
            }
        }
    }

    /// The dependencies of each target in Package.swift, read as text: running the manifest takes SwiftPM's lock, which
    /// `swift test` holds.
    private static func manifest() throws -> [String: Set<String>] {
        let text = try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let products = [
            "toml": "TOMLKit", "arguments": "ArgumentParser",
            "system": "SystemPackage",
        ]
        var targets: [String: Set<String>] = [:]
        let declaration = /\.(?:target|executableTarget)\(\s*name:\s*"([^"]+)"(?:,\s*dependencies:\s*\[([^\]]*)\])?/
        for match in text.matches(of: declaration) {
            let items = (match.2 ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            targets[String(match.1)] = Set(
                items.filter { !$0.isEmpty }.map { item in
                    products[item] ?? item.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
                })
        }
        return targets
    }

    @Test func topLevelIsFixed() throws {
        let known: Set<String> = [
            "Package.swift", "Sources", "Tests", "jobs", "audit", "README.md", "LICENSE", "CHANGELOG.md",
            "Package.resolved",  // ignored by git
        ]
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.path).filter { !$0.hasPrefix(".") }
        #expect(Set(names).subtracting(known).isEmpty)
    }

    @Test func filesStaySmall() throws {
        for file in try Self.swiftFiles(below: "Sources") + Self.swiftFiles(below: "Tests") {
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 501, "\(file.lastPathComponent) has \(lines.count) lines")
            #expect(file.lastPathComponent != "Placeholder.swift", "\(file.path) is still there")
        }
    }
}

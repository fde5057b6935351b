// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Every Swift target is held to the same strictness; warnings are errors so that `main` never collects any.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A position independent program has its addresses put right at each start, a hundred thousand of them. Since 2.36 the C
/// library takes them as a bitmap of a few kilobytes; an older one refuses such a program, so it is not built there.
let packedAddresses: [String] = {
    var name = [CChar](repeating: 0, count: 64)
    confstr(Int32(_CS_GNU_LIBC_VERSION), &name, name.count)
    let version = String(decoding: name.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
    let isOlder = version.compare("glibc 2.36", options: .numeric) == .orderedAscending
    return isOlder ? [] : ["-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"]
}()

/// A release build holds in itself what it would else load at each start, some thirty libraries that need one another:
/// Sources/ibid/static names the archives that Debian has beside them. Where they are missing, IBID_SHARED=1 does without.
let selfContained: [LinkerSetting] =
    Context.environment["IBID_SHARED"] == nil
    ? [
        .unsafeFlags(
            [
                "-L", "\(Context.packageDirectory)/Sources/ibid/static", "-Xclang-linker", "-static-libgcc",
                // Before what TOMLKit asks for, all of Foundation: it needs nothing that only that has.
                "\(Context.packageDirectory)/Sources/ibid/static/essentials.so",
                // It comes with Swift. Of two archives that have a name it takes the one that comes first.
                "-use-ld=lld",
                // Nothing is loaded that would look for names in it.
                "-Xlinker", "--no-export-dynamic",
            ] + packedAddresses, .when(configuration: .release))
    ] : []

let package = Package(
    name: "ibid",
    products: [.executable(name: "ibid", targets: ["ibid"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
    ],
    targets: [
        // Level 0: C, one target per library. Their module maps say what is linked.
        .systemLibrary(name: "CGit2", providers: [.apt(["libgit2-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CGit2Shim", dependencies: ["CGit2"]),
        // Loads libcurl itself, when something is fetched: linked, it would be loaded at every start.
        .target(name: "CCurlShim"),
        .target(name: "CCodecShim"),
        .target(
            name: "CTLSShim", dependencies: ["COpenSSL"],
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .target(name: "CSystemCall"),
        .executableTarget(
            name: "ibid-sandbox", dependencies: ["CLinux"],
            // Plain C: without these it would load the Swift runtime, which takes longer than all that it does.
            linkerSettings: [
                .unsafeFlags(["-nostartfiles", "-static-executable"]),
                .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
            ]),
        .executableTarget(
            name: "ibid-init", dependencies: ["CSystemCall"],
            cSettings: [.unsafeFlags(["-O2", "-fno-stack-protector"])],
            // No C library either (see init.c), and no symbols: it is copied into each container.
            linkerSettings: [
                .unsafeFlags([
                    "-nostartfiles", "-static-executable", "-Xclang-linker", "-nostdlib", "-Xlinker", "-s",
                ])
            ]),

        .executableTarget(
            name: "ibid-strict", dependencies: ["CSystemCall"],
            cSettings: [.unsafeFlags(["-O2", "-fvisibility=hidden", "-fno-stack-protector"])],
            // A shared object that needs no library: it is preloaded into images of any kind (see settings.c).
            linkerSettings: [
                .unsafeFlags([
                    "-emit-library", "-nostartfiles", "-Xclang-linker", "-nostdlib", "-no-toolchain-stdlib-rpath",
                    "-no-static-stdlib",
                ])
            ]),

        // Level 1: values and arithmetic; no I/O.
        .target(name: "IbidModel", dependencies: [system], swiftSettings: strict),
        .target(name: "IbidCrypto", dependencies: ["IbidModel", "COpenSSL"], swiftSettings: strict),
        .target(name: "IbidMerkle", dependencies: ["IbidModel", "IbidCrypto"], swiftSettings: strict),

        // Level 2: bytes on disk, one container, and the comparison of two files.
        .target(name: "IbidCompare", dependencies: ["IbidModel", "CZlib", "CCodecShim", "CSQLite"], swiftSettings: strict),
        .target(name: "IbidStore", dependencies: ["IbidModel", "IbidCrypto", "CLinux", system], swiftSettings: strict),
        .target(
            name: "IbidLayer", dependencies: ["IbidModel", "IbidCrypto", "IbidStore", "CLinux", system],
            swiftSettings: strict),
        .target(
            name: "IbidContainer", dependencies: ["IbidModel", "IbidCrypto", "IbidStore", "CLinux", system],
            swiftSettings: strict),

        .target(name: "IbidTOML", dependencies: [toml], swiftSettings: strict),

        // Level 3: the stages. They never import one another.
        .target(name: "IbidJob", dependencies: ["IbidModel", "IbidCompare", "IbidTOML", system], swiftSettings: strict),
        .target(
            name: "IbidSource",
            dependencies: ["IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "CGit2", "CGit2Shim", "CLinux", system],
            swiftSettings: strict),
        .target(
            name: "IbidImage",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidContainer", "CCurlShim", "CTLSShim",
                "CLinux", "IbidTOML", system,
            ],
            swiftSettings: strict),
        .target(
            name: "IbidRuntime",
            dependencies: ["IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidContainer", "CLinux", system],
            swiftSettings: strict),
        .target(
            name: "IbidLedger",
            dependencies: ["IbidModel", "IbidCrypto", "IbidMerkle", "CLinux", "CSQLite", system],
            // Verification goes through a million entries byte by byte; debug builds, and so the tests, check at run time.
            swiftSettings: strict + [
                .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
            ]),

        .target(
            name: "IbidExport",
            dependencies: ["IbidModel", "IbidCrypto", "IbidMerkle", "IbidStore", "IbidLayer", "IbidCompare", system],
            swiftSettings: strict),

        // Level 4: the only place that sees all stages.
        .target(
            name: "IbidEngine",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidMerkle", "IbidStore", "IbidLayer", "IbidContainer", "IbidCompare",
                "IbidJob", "IbidSource", "IbidImage", "IbidRuntime", "IbidLedger", "IbidExport", "CLinux", system,
            ],
            swiftSettings: strict),

        // Level 5: what a person types.
        .target(
            name: "IbidCommands", dependencies: ["IbidModel", "IbidEngine", "CLinux", arguments, system],
            swiftSettings: strict),
        .executableTarget(
            name: "ibid", dependencies: ["IbidCommands", "ibid-sandbox", "ibid-init", "ibid-strict"], exclude: ["static"],
            swiftSettings: strict, linkerSettings: selfContained),

        .target(
            name: "IbidTestSupport", dependencies: ["IbidModel", "IbidCrypto", "CLinux", system],
            path: "Tests/IbidTestSupport", swiftSettings: strict),
        .testTarget(
            name: "IbidModelTests", dependencies: ["IbidModel", "IbidCrypto", "IbidJob", "IbidTestSupport", system],
            swiftSettings: strict),
        .testTarget(
            name: "IbidStoreTests",
            dependencies: ["IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidTestSupport", system],
            swiftSettings: strict),
        .testTarget(
            name: "IbidCompareTests", dependencies: ["IbidModel", "IbidCompare", "IbidTestSupport", system],
            exclude: ["Oracles"], swiftSettings: strict),
        .testTarget(
            name: "IbidSourceTests",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidSource", "IbidTestSupport", system,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "ledger-benchmark", dependencies: ["IbidModel", "IbidMerkle", "IbidLedger", "CSQLite", system],
            path: "Tests/LedgerBenchmark", swiftSettings: strict),
        .testTarget(
            name: "IbidLedgerTests",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidMerkle", "IbidLedger", "IbidTestSupport", "ledger-benchmark", system,
            ],
            exclude: ["Foreign"], swiftSettings: strict),
        .testTarget(
            name: "IbidImageTests",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidContainer", "IbidImage", "IbidTestSupport",
                system,
            ],
            exclude: ["hostile.py"], swiftSettings: strict),
        .testTarget(
            name: "IbidRuntimeTests",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidStore", "IbidLayer", "IbidContainer", "IbidRuntime", "IbidTestSupport",
                "CLinux", system,
            ],
            exclude: ["listings.py"], swiftSettings: strict),
        .testTarget(
            name: "IbidEndToEndTests",
            dependencies: [
                "IbidModel", "IbidCrypto", "IbidStore", "IbidLedger", "IbidEngine", "IbidCommands", "IbidTestSupport",
                "ibid", arguments, system,
            ],
            exclude: ["Corpus", "Foreign"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)

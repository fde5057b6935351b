import IbidModel

/// The interpreter that a pip runs on, as its `User-Agent` tells: `pip/23.0.1 {"implementation":{…},"cpu":"x86_64",…}`.
///
/// An index lists the files of every platform, thousands for some projects, and an older pip needs a tenth of a
/// millisecond and more for each that it then does not take. For a plain installation the gateway leaves out those that
/// this pip cannot take; whatever is in doubt stays.
struct PipClient: Hashable, Sendable {
    /// `311` for CPython 3.11.
    let python: String
    /// As `uname -m` has it.
    let machine: String
    /// Whether its C library is glibc.
    let isGlibc: Bool

    /// Reads a `User-Agent`; nil when it is no pip on CPython on Linux.
    init?(userAgent: String) {
        guard userAgent.hasPrefix("pip/"), let start = userAgent.firstIndex(of: "{"),
            let said = try? CanonicalJSON.parse(Array(userAgent[start...].utf8)),
            said["implementation"]?["name"]?.string == "CPython", said["system"]?["name"]?.string == "Linux",
            let version = said["python"]?.string, let machine = said["cpu"]?.string
        else { return nil }
        let numbers = version.split(separator: ".").prefix(2)
        guard numbers.count == 2, numbers.allSatisfy({ Int($0) != nil }) else { return nil }
        python = numbers.joined()
        self.machine = machine
        isGlibc = said["distro"]?["libc"]?["lib"]?.string == "glibc"
    }

    private static let machines = [
        "x86_64", "i686", "aarch64", "armv6l", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64",
    ]
    private static let otherSystems = ["macosx_", "win32", "win_", "ios_", "android_", "pyodide_", "emscripten_"]

    /// Whether it could install a file of that name (the wheel's tags: PEP 425, 600, 656).
    func mayInstall(_ filename: String) -> Bool {
        guard filename.hasSuffix(".whl") else { return true }
        let parts = filename.dropLast(4).split(separator: "-")
        guard parts.count >= 5 else { return true }
        return parts[parts.count - 2].split(separator: ".").contains { !isForeign(binaryInterface: $0) }
            && parts[parts.count - 1].split(separator: ".").contains { !isForeign(platform: $0) }
    }

    private func isForeign(binaryInterface tag: Substring) -> Bool {
        if tag.hasPrefix("pypy") || tag.hasPrefix("graalpy") { return true }
        let digits = tag.hasPrefix("cp") ? tag.dropFirst(2).prefix { $0.isASCII && $0.isNumber } : ""
        return !digits.isEmpty && digits != python
    }

    private func isForeign(platform tag: Substring) -> Bool {
        if Self.otherSystems.contains(where: { tag.hasPrefix($0) }) { return true }
        if isGlibc, tag.hasPrefix("musllinux_") { return true }
        // A 64-bit kernel may run a 32-bit Python, which does not say so.
        let own = ["x86_64": ["x86_64", "i686"], "aarch64": ["aarch64", "armv7l", "armv6l"]][machine] ?? [machine]
        return Self.machines.contains { tag.hasSuffix("_" + $0) && !own.contains($0) }
    }

    /// The file that it most likely takes of a version: nothing depends on the guess but time.
    func likely(of files: [IndexFile], version: String) -> IndexFile? {
        let wheels = files.filter { file in
            let parts = file.filename.split(separator: "-")
            return file.filename.hasSuffix(".whl") && parts.count >= 5 && parts[1] == version
                && mayInstall(file.filename) && !file.filename.hasSuffix("_i686.whl")
        }
        // The newest manylinux sorts last, after what fits every platform.
        return wheels.max { Self.order($0.filename) < Self.order($1.filename) }
    }

    private static func order(_ filename: String) -> (Int, Int, String) {
        let platform = filename.dropLast(4).split(separator: "-").last ?? ""
        let numbers = platform.split(whereSeparator: { "_.".contains($0) }).compactMap { Int($0) }
        return (platform == "any" ? 0 : 1, numbers.prefix(4).max() ?? 0, filename)
    }
}

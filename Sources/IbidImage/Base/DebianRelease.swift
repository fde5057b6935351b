/// A Debian release that bases are made of, and the Python that it has.
struct DebianRelease: Hashable, Sendable {
    /// Its name in the archive.
    let codename: String
    /// Its number.
    let number: Int
    /// Its Python is 3.MINOR.PATCH.
    let pythonMinor: Int
    let pythonPatch: Int

    static let bullseye = DebianRelease(codename: "bullseye", number: 11, pythonMinor: 9, pythonPatch: 2)
    static let bookworm = DebianRelease(codename: "bookworm", number: 12, pythonMinor: 11, pythonPatch: 2)
    static let trixie = DebianRelease(codename: "trixie", number: 13, pythonMinor: 13, pythonPatch: 5)

    /// What is taken first when any would do.
    static let preferred = bookworm

    /// All, that one first.
    static let all = [preferred, trixie, bullseye]

    /// What Debian calls stable.
    static let stable = trixie

    /// `3.MINOR`.
    var python: String { "3.\(pythonMinor)" }
}

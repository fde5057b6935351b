import CLinux
import IbidModel

/// The one time of an image: the clamp of every file's time, `created`, `SOURCE_DATE_EPOCH` of its steps.
///
/// It comes from the base and never from the commit or the clock: the same tree on the same base is the same image,
/// whoever commits it and whenever it is built.
enum ImageEpoch {
    /// 1980-01-01: zip archives cannot say anything earlier.
    static let earliest: Int64 = 315_532_800

    /// The epoch of an image built on a base.
    ///
    /// - Throws: `IbidError` when the base is dated in the future: nothing would be clamped, and digests would differ.
    static func of(_ config: OCI.ImageConfig?, base: String) throws -> Timestamp {
        guard let created = config?.created, let seconds = seconds(created) else {
            return Timestamp(seconds: earliest)
        }
        try check(seconds, of: base)
        return Timestamp(seconds: max(seconds, earliest))
    }

    static func check(_ seconds: Int64, of base: String) throws {
        guard seconds <= cl_realtime_microseconds() / 1_000_000 else {
            throw IbidError(
                "epoch-in-future", "the base '\(base)' is dated \(Timestamp(seconds: seconds)), which is in the future",
                hint: "is this host's clock right?")
        }
    }

    // Docker writes nine digits of fraction, and offsets; the fraction does not matter here.
    private static func seconds(_ text: String) -> Int64? {
        guard text.utf8.count >= 20, text.hasSuffix("Z") else { return nil }
        return Timestamp(String(text.prefix(19)) + "Z")?.seconds
    }
}

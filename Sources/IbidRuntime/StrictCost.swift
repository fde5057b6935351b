import CLinux
import Glibc
import IbidModel
import SystemPackage

/// What the preloaded library of the strict profile cost, as its processes counted it.
enum StrictCost {
    /// Where they count: eight numbers, in the order of `struct cost` in strict.h.
    static let file = DeterminismProfile.directory + "/cost"
    static let size = 4_096

    /// A clock of the processor, beside the monotonic one.
    struct Moment {
        let ticks = cl_ticks()
        let microseconds = cl_monotonic_microseconds()
    }

    /// Reads what was counted.
    ///
    /// The run could have written there what it liked, and then nothing is known of it; a time that is longer than all
    /// that its processes used is such a case.
    ///
    /// - Parameters:
    ///   - upper: the writable layer.
    ///   - began: before the run; with the moment of this call it says how long a tick is.
    static func read(upper: FilePath, since began: Moment, cpuMicroseconds: Int64) -> RunMeasurement.StrictCost? {
        let ended = Moment()
        let directory = open(upper.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return nil }
        defer { close(directory) }
        let descriptor = cl_openat2(
            directory, String(file.dropFirst()), CL_O_RDONLY | UInt64(O_NONBLOCK), 0,
            CL_RESOLVE_BENEATH | CL_RESOLVE_NO_SYMLINKS)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var numbers = [UInt64](repeating: 0, count: 8)
        let length = pread(descriptor, &numbers, 64, 0)
        guard length == 64, ended.ticks > began.ticks, ended.microseconds > began.microseconds else { return nil }
        let tick = Double(ended.microseconds - began.microseconds) / Double(ended.ticks - began.ticks)
        let ticks = numbers[4...].reduce(0.0) { $0 + Double($1) }
        let microseconds = ticks * tick
        guard microseconds <= Double(cpuMicroseconds), numbers[..<4].allSatisfy({ $0 <= UInt64(Int64.max) }) else {
            return nil
        }
        return RunMeasurement.StrictCost(
            clock: Int64(numbers[0]), random: Int64(numbers[1]), files: Int64(numbers[2]),
            directories: Int64(numbers[3]), microseconds: Int64(microseconds))
    }
}

import CLinux
import Glibc
import IbidModel
import Synchronization

/// Everything around the second build of a verification that a host could have otherwise.
final class Surroundings {
    private let place: SecondPlace
    private let ownsProcess: Bool
    private(set) var variation = BuildVariation()
    private(set) var processors = (first: 1, second: 1)

    private static let zone = "Asia/Kathmandu"
    private static let hostName = "another-host"

    init(place: SecondPlace, ownsProcess: Bool) {
        self.place = place
        self.ownsProcess = ownsProcess
    }

    /// What a body that runs on another thread did.
    private final class Outcome: @unchecked Sendable {
        // Touched by the thread that runs the body, and read after that thread is joined.
        let body: () throws -> Void
        var error: (any Error)?
        init(_ body: @escaping () throws -> Void) { self.body = body }
    }

    /// Runs the body among other surroundings, on a thread of its own: the host name and the processors are a thread's
    /// and of the processes that it starts.
    func vary(_ body: @escaping () throws -> Void) throws {
        noteFiles()
        let outcome = Outcome { [self] in
            ownHostName()
            oneProcessor()
            try inOtherProcessState(body)
        }
        let thread = ThreadGroup()
        try thread.start {
            do { try outcome.body() } catch { outcome.error = error }
        }
        thread.wait()
        if let error = outcome.error { throw error }
        variation.varied += ["clock (some seconds later)", "unpacked layers (again, in another order)"]
        variation.notVaried.append("the day: what writes only the date differs tomorrow")
    }

    private func noteFiles() {
        let (first, second) = place.fileSystems
        if first != second {
            variation.varied.append("file system (\(first), then \(second))")
        } else {
            variation.notVaried.append("file system: there is no room in memory for another than \(first)")
        }
    }

    private func ownHostName() {
        let result = cl_own_hostname(Self.hostName)
        if result == 0 {
            variation.varied.append("host name")
        } else {
            variation.notVaried.append("host name: \(String(cString: strerror(-result)))")
        }
    }

    private func oneProcessor() {
        let count = cl_keep_one_processor()
        if count > 1 {
            processors.first = Int(count)
            variation.varied.append("processors (\(count), then 1)")
        } else {
            variation.notVaried.append("processors: this machine has one")
        }
    }

    private func inOtherProcessState(_ body: () throws -> Void) throws {
        guard ownsProcess else {
            variation.notVaried.append("umask and time zone: this process is not only the build's")
            return try body()
        }
        let zone = getenv("TZ").map { String(cString: $0) }
        let mask = umask(0o077)
        setenv("TZ", Self.zone, 1)
        defer {
            umask(mask)
            if let zone { setenv("TZ", zone, 1) } else { unsetenv("TZ") }
        }
        variation.varied += ["umask (\(String(mask, radix: 8)), then 77)", "time zone (\(Self.zone))"]
        try body()
    }
}

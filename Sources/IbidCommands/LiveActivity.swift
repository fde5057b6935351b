import CLinux
import Glibc
import IbidModel
import Synchronization

/// What goes on now, shown on the terminal's live line.
final class LiveActivity: Sendable {
    private struct Current {
        var line: ProgressLine
        let started = cl_monotonic_microseconds()
        var fetchedBytes: Int64 = 0
        var output = OutputLine()
        /// Whether its end is worth a line of its own.
        var isKept: Bool

        var elapsed: String { Formatting.duration(microseconds: cl_monotonic_microseconds() - started) }
    }

    private let current = Mutex<Current?>(nil)
    private let wake = cl_eventfd()
    private let thread = Mutex<pthread_t?>(nil)

    /// Starts the thread that draws; `stop` ends it. Where no thread is to be had, nothing is drawn.
    init() {
        var handle = pthread_t()
        let activity = Unmanaged.passRetained(self)
        if wake >= 0, pthread_create(&handle, nil, drawActivity, activity.toOpaque()) == 0 {
            thread.withLock { $0 = handle }
        } else {
            activity.release()
        }
    }

    deinit { if wake >= 0 { close(wake) } }

    /// Something begins; what went on before has ended.
    ///
    /// - Parameter isKept: whether a line tells of it when it has ended.
    func begin(_ label: String, _ number: String, _ what: String, isKept: Bool = false) {
        end()
        let line = ProgressLine(label: label, number: number, what: Terminal.safe(what))
        // It is drawn when it takes a while.
        current.withLock { $0 = Current(line: line, isKept: isKept) }
    }

    /// It prints.
    func output(_ bytes: [UInt8]) {
        current.withLock { current in
            current?.output.add(bytes)
            if let text = current?.output.text { current?.line.detail = Terminal.safe(text) }
        }
    }

    /// It fetches a file; so many bytes came so far in all.
    func fetching(_ name: String, totalBytes: Int64) {
        current.withLock { current in
            current?.fetchedBytes = totalBytes
            current?.line.detail = Terminal.safe(name)
        }
    }

    /// It has come to another part of its work.
    func say(_ text: String) { current.withLock { $0?.line.detail = text } }

    /// It has ended.
    func end() {
        let ended = current.withLock { current -> Current? in
            defer { current = nil }
            if current != nil { LiveLine.shared.clear() }
            return current
        }
        guard let ended, ended.isKept else { return }
        Terminal.note(Terminal.styled(ended.line.label, .dim) + " \(ended.line.what) (\(ended.elapsed))")
    }

    /// Draws again and again, because time passes, until `stop`.
    fileprivate func run() {
        var event = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&event, 1, 100)
            guard ready == 0 || (ready < 0 && errno == EINTR) else { return }
            current.withLock { draw($0) }
        }
    }

    /// Ends what still goes on, and the drawing.
    func stop() {
        end()
        cl_eventfd_signal(wake)
        if let handle = thread.withLock({ $0 }) { pthread_join(handle, nil) }
    }

    private func draw(_ current: Current?) {
        guard let current else { return }
        var line = current.line
        line.facts = current.elapsed
        if current.fetchedBytes > 0 { line.facts += ", fetched \(Formatting.size(current.fetchedBytes))" }
        LiveLine.shared.draw { line.fitted(to: $0) }
    }
}

// A free function: a closure would be bound to the actor of whoever starts the thread.
private func drawActivity(_ activity: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let activity { Unmanaged<LiveActivity>.fromOpaque(activity).takeRetainedValue().run() }
    return nil
}

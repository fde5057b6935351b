import Glibc
import Synchronization

/// The last line of the terminal while something goes on: it is drawn over itself, and makes way for whatever else is
/// written there.
final class LiveLine: Sendable {
    /// The terminal's one.
    static let shared = LiveLine()

    /// The columns that the line takes; 0 when there is none.
    private let columns = Mutex(0)

    /// Draws the line.
    ///
    /// - Parameter make: gives its text for a width, and how many columns of that it takes.
    func draw(_ make: (_ width: Int) -> (text: String, columns: Int)) {
        // The last column stays free: what is written there makes some terminals go to the next line.
        let terminal = Self.width
        let made = make(terminal - 1)
        columns.withLock { columns in
            Terminal.writeNow(Array((Self.erasing(columns, on: terminal) + made.text).utf8), to: STDERR_FILENO)
            columns = made.columns
        }
    }

    /// Removes the line.
    func clear() { aside {} }

    /// Runs a body that writes to the terminal, with the line out of its way. The next `draw` shows it again.
    func aside(_ body: () -> Void) {
        columns.withLock { columns in
            if columns > 0 { Terminal.writeNow(Array(Self.erasing(columns, on: Self.width).utf8), to: STDERR_FILENO) }
            columns = 0
            body()
        }
    }

    /// A terminal that became narrower than the line has folded it.
    private static func erasing(_ columns: Int, on width: Int) -> String {
        let above = max(0, columns - 1) / width
        return "\r" + (above > 0 ? "\u{1b}[\(above)A" : "") + "\u{1b}[J"
    }

    /// Columns of the terminal, asked anew because it may change at any time.
    private static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

import Glibc
import IbidModel

/// The two streams of a command: data on stdout, everything else on stderr.
///
/// Writes go straight to the descriptors: nothing is held back, and a reader that went away ends the command as it
/// ends every other (SIGPIPE).
enum Terminal {
    /// Writes data.
    static func out(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

    /// Writes a message and a newline.
    static func note(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

    /// Writes a part of a line to stderr.
    static func raw(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }

    /// Writes bytes as they are, in front of the live line.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        LiveLine.shared.aside { writeNow(bytes, to: descriptor) }
    }

    /// Writes bytes wherever the cursor is.
    static func writeNow(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 {
                    // A full pipe on a non-blocking descriptor is waited for; anything else has nobody to tell.
                    if errno == EINTR { continue }
                    guard errno == EAGAIN else { return }
                    var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&poller, 1, 1_000)
                    continue
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Writes bytes that have to arrive whole.
    ///
    /// - Throws: `system` when they cannot be written.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("write to", "stdout", String(cString: strerror(errno))) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    /// Whether messages may have colour: stderr is a terminal and `NO_COLOR` is unset (no-color.org).
    static let hasColour = hasCursor && variable("NO_COLOR").isEmpty

    /// Whether stderr is a terminal where a line can be drawn over.
    static let hasCursor = isatty(STDERR_FILENO) == 1 && !["dumb", ""].contains(variable("TERM"))

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }

    /// Whether stderr is a terminal, where progress may be shown.
    static let isInteractive = isatty(STDERR_FILENO) == 1

    /// Text in a colour, where colour is wanted.
    static func styled(_ text: String, _ style: Style) -> String {
        hasColour ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// The few styles that are used.
    enum Style: Int {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
    }

    /// Text that cannot move the cursor, clear the screen or break a line: a file name is somebody else's text.
    static func safe(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                    if scalar.value >= 0x20 && scalar.value != 0x7f && !(0x80..<0xa0).contains(scalar.value) {
                        return [scalar]
                    }
                    return Array("\\x\(Hex.encode(Array(String(scalar).utf8)))".unicodeScalars)
                }))
    }
}

/// A port of this host that leads to a port of a run.
public struct PublishedPort: Hashable, Sendable, CustomStringConvertible {
    /// The host's address, in numbers.
    public var address: String
    /// The port there; 0 for any that is free.
    public var host: UInt16
    /// The port in the run.
    public var container: UInt16

    /// Reads what docker's `-p` takes: `[ADDRESS:][HOST:]CONTAINER`, an IPv6 address in brackets. Without an address it
    /// is this machine's loopback, without a host's port the same port.
    ///
    /// - Throws: `published-port`; whether the address is one shows when it is used.
    public init(_ text: String) throws {
        var rest = Substring(text)
        if rest.hasSuffix("/tcp") { rest = rest.dropLast(4) }
        var parts: [Substring] = []
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            parts.append(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            guard rest.hasPrefix(":") else { throw Self.bad(text) }
            rest = rest.dropFirst()
        }
        parts += rest.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count), let last = parts.last, let container = UInt16(last), container > 0 else {
            throw Self.bad(text)
        }
        address = parts.count == 3 ? String(parts[0]) : "127.0.0.1"
        self.container = container
        guard parts.count > 1 else {
            host = container
            return
        }
        let port = parts[parts.count - 2]
        guard let host = port.isEmpty ? 0 : UInt16(port), !address.isEmpty else { throw Self.bad(text) }
        self.host = host
    }

    /// `ADDRESS:HOST->CONTAINER`, as docker shows it.
    public var description: String { "\(authority)->\(container)" }

    /// `ADDRESS:HOST`, as it stands in a URL.
    public var authority: String { (address.contains(":") ? "[\(address)]" : address) + ":\(host)" }

    private static func bad(_ text: String) -> IbidError {
        IbidError(
            "published-port", "'\(text)' publishes no port, expected [ADDRESS:][HOST:]CONTAINER",
            hint: "as with docker: -p 8501, -p 8080:8501, -p 127.0.0.1:8080:8501", exit: .usage)
    }
}

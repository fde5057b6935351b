/// The names and numbers that `STOPSIGNAL` can have.
enum StopSignal {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
        "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
    ]

    /// Whether the text is a number from 1 to 64, or a name with or without `SIG`, `RTMIN+3` and `RTMAX-3` included.
    static func isKnown(_ text: String) -> Bool {
        if let number = Int(text) { return (1...64).contains(number) }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if names.contains(name) { return true }
        for base in ["RTMIN+", "RTMAX-"] where name.hasPrefix(base) {
            return Int(name.dropFirst(base.count)).map { (1...15).contains($0) } ?? false
        }
        return false
    }
}

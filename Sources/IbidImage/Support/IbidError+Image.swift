import IbidModel

extension IbidError {
    /// The same error, of an instruction.
    func at(_ place: SourcePlace) -> IbidError { IbidError(code, "\(place): \(message)", hint: hint, exit: exit) }

    /// The user ended it.
    static var interrupted: IbidError { IbidError("interrupted", "interrupted", exit: .interrupted) }

    /// The bootstrap of a base went wrong.
    static func bootstrap(_ what: String, _ reason: String, hint: String? = nil) -> IbidError {
        IbidError("bootstrap", "cannot make the base: \(what): \(reason)", hint: hint)
    }

    /// An image that was to be added is not what it says.
    static func badImage(_ source: String, _ problem: String) -> IbidError {
        IbidError("bad-image", "\(source): \(problem)")
    }

    /// Something asked the gateway for what the lock does not have.
    static func notInLock(_ client: String, _ what: String) -> String {
        "\(client) asked for \(what), which the lock does not have"
    }
}

extension IbidError {
    /// A `RUN` step failed: what the gateway could not give is the likeliest cause and comes first.
    static func stepFailed(
        _ place: SourcePlace, _ how: String, text: String, complaints: [String], output: String
    ) -> IbidError {
        let error = IbidError.dockerfile(place, "the step failed: \(how)", text: text)
        let cause = complaints.isEmpty ? "" : "\n" + complaints.prefix(5).joined(separator: "\n")
        return IbidError(
            "step-failed", error.message + cause + (output.isEmpty ? "" : "\n" + output),
            hint: complaints.contains { $0.hasSuffix("which the lock does not have") }
                ? "make the lock again with 'ibid lock', or remove it" : nil)
    }
}

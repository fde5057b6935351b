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
}

extension GatewayProblem {
    /// Something asked the gateway for what the lock does not have.
    static func notInLock(_ client: GatewayClient, _ what: String) -> GatewayProblem {
        GatewayProblem(
            kind: .notInLock, text: "\(client.name) asked for \(what), which the lock does not have",
            hint: "make the lock again with 'ibid lock', or remove it")
    }
}

extension IbidError {
    /// A `RUN` step failed: what the gateway could not give is the likeliest cause and comes first.
    static func stepFailed(
        _ place: SourcePlace, _ how: String, text: String, problems: [GatewayProblem], output: String,
        advice: String? = nil
    ) -> IbidError {
        let error = IbidError.dockerfile(place, "the step failed: \(how)", text: text)
        let cause = problems.isEmpty ? "" : "\n" + problems.prefix(5).map(\.text).joined(separator: "\n")
        return IbidError(
            "step-failed", error.message + cause + (output.isEmpty ? "" : "\n" + output),
            hint: (problems.first { $0.kind == .notInLock } ?? problems.first { $0.hint != nil })?.hint ?? advice)
    }
}

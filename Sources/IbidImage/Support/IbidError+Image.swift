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
    /// A `RUN` step failed: one sentence with the cause, as far as it can be told, and below it what the step wrote.
    static func stepFailed(
        _ place: SourcePlace, _ how: String, text: String, problems: [GatewayProblem], output: OutputTail?,
        origins: RecipeOrigins
    ) -> IbidError {
        let diagnosis = StepDiagnosis.find(output: output?.whole ?? "", problems: problems, origins: origins)
        let error = IbidError.dockerfile(
            place, "the step failed: \(how)" + (diagnosis.map { ": \($0.cause)" } ?? ""), text: text)
        let others = problems.map(\.text).filter { $0 != diagnosis?.cause }.prefix(5)
        let details = others + [output?.text ?? ""].filter { !$0.isEmpty }
        return IbidError(
            "step-failed", ([error.message] + details).joined(separator: "\n"),
            hint: diagnosis?.hint)
    }
}

import ArgumentParser
import IbidEngine
import IbidModel

/// How well containers have to be held; for every command that starts some.
struct IsolationOptions: ParsableArguments {
    @Option(
        name: .customLong("min-isolation"),
        help: "Refuse a weaker level: root, rootless or rootless-single-id; see 'ibid doctor'.",
        transform: Self.level)
    var minimum: IsolationLevel?

    /// The engine, which starts no container at a weaker level. A level with fewer ids than images use is pointed out.
    func engine(_ common: CommonOptions) throws -> Engine {
        // Such commands first do what needs no ledger.
        var engine = try common.engine(awaitsLedger: false)
        engine.minimumIsolation = minimum
        if minimum != nil { try engine.requireIsolation() }
        if !common.json, let (level, shortfall) = try? Engine.isolation(), level < .rootless, let shortfall {
            Terminal.note(
                Terminal.styled("warning:", .yellow) + " isolation level \(level.rawValue): \(shortfall.message)")
        }
        return engine
    }

    private static func level(_ text: String) throws -> IsolationLevel {
        guard let level = IsolationLevel(rawValue: text) else {
            let names = IsolationLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is no level of isolation: \(names)")
        }
        return level
    }
}

import ArgumentParser
import FoundationEssentials
import IbidEngine
import IbidModel

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Print one JSON document on stdout.")
    var json = false

    func engine(awaitsLedger: Bool = true) throws -> Engine {
        var engine = try Engine.open(try Self.home(), awaitsLedger: awaitsLedger)
        engine.stopsOnSignals = true
        return engine
    }

    static func home() throws -> Home {
        // Everything in a home is looked at, made and removed with the ids of the user's own namespace.
        Engine.enterNamespace()
        return try Home.locate(environment: ProcessInfo.processInfo.environment)
    }
}

/// A run named on the command line.
struct RunArgument: ParsableArguments {
    @Argument(help: "A run's id, a unique prefix of it, or @last.")
    var run: String
}

import IbidContainer
import IbidCrypto
import IbidImage
import IbidLayer
import IbidLedger
public import IbidModel
import IbidStore
import SystemPackage

/// The stages put together: submit, replay, export, verify. The only place that sees them all.
///
/// Any number of processes may work in one home at a time; there is no daemon.
public struct Engine: Sendable {
    /// Where things are kept.
    public let home: Home
    let store: Store
    let layers: LayerCache
    var containers: ContainerHost
    private let opening: LedgerOpening
    let moment: Moment
    let stop: ContainerStop
    let lease: HomeLease

    /// Gives an ordinary user's process the ids that images need, in a namespace of its own; nothing for root. Before
    /// anything else, while the process has one thread.
    public static func enterNamespace() { UserNamespace.enter() }

    /// Opens a home, making it on first use, and enters what a crash interrupted.
    ///
    /// - Parameter awaitsLedger: whether the ledger is open when this returns. Without it that goes on meanwhile, and what
    ///   is wrong with it is thrown where it is first needed.
    /// - Throws: `IbidError` when the home cannot be made or read, or its ledger is damaged.
    public static func open(_ home: Home, moment: Moment = .real, awaitsLedger: Bool = true) throws -> Engine {
        try home.make()
        try finishRenewal(of: home)
        let lease = try HomeLease(home)
        let store = try Store.open(at: home.store)
        let containers = ContainerHost(sandbox: try ContainerHost.locateSandbox(), stateDirectory: home.runs)
        let opening = try LedgerOpening {
            let ledger = try Ledger.open(at: home.ledger, keys: home.keys)
            try HomeRepair(home: home, store: store, ledger: ledger, containers: containers, moment: moment).run()
            return ledger
        } after: {
            // The image is looked up in the ledger long before anything is signed.
            if !awaitsLedger { Signing.start() }
        }
        let engine = Engine(
            home: home, store: store, layers: LayerCache(root: home.layers, store: store), containers: containers,
            opening: opening, moment: moment, stop: try ContainerStop(), lease: lease)
        if awaitsLedger { _ = try engine.ledger }
        return engine
    }

    /// The ledger of the home.
    var ledger: Ledger { get throws { try opening.ledger } }

    /// Whether Ctrl-C and SIGTERM end a run, so that it is recorded as killed, instead of this process. Outside a run
    /// they end the process as usual: nothing is open then that the next command would not repair.
    public var stopsOnSignals = false

    /// The weakest level of isolation at which containers may start; nil for any.
    public var minimumIsolation: IsolationLevel? {
        get { containers.minimumIsolation }
        set { containers.minimumIsolation = newValue }
    }

    /// Makes sure that containers start here, and not at a weaker level.
    public func requireIsolation() throws { _ = try containers.requireIsolation() }

    /// How containers of this user are held, and what a better level would need.
    ///
    /// - Throws: what keeps this user from having containers.
    public static func isolation() throws -> (level: IsolationLevel, shortfall: IbidError?) {
        (try ContainerHost.level(), UserNamespace.reason)
    }

    /// The bases of this home.
    var bases: BaseCatalog { BaseCatalog(store: store, cache: home.cache.appending("bases")) }
}

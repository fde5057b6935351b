import IbidContainer
import IbidImage
import IbidLedger
import IbidModel
import IbidStore

extension Engine {
    /// Builds a recorded run's image again, from the recorded source, recipe and lock alone, every step anew.
    ///
    /// - Returns: the digest that came of it.
    /// - Throws: `evidence-missing` and the like when one of them is gone; `rebuild-failed` when it cannot be built, as
    ///   when its base is gone.
    func rebuild(_ report: RunReport, _ recorded: RecordedRun, events: @escaping EventSink) throws -> Digest {
        do {
            return try buildAgain(report, recorded, events: events)
        } catch let error as IbidError where error.exit != .interrupted && !error.code.hasPrefix("evidence-") {
            throw IbidError(
                "rebuild-failed", "the image cannot be built again: \(error.message)", hint: error.hint,
                exit: .verificationFailed)
        }
    }

    private func buildAgain(_ report: RunReport, _ recorded: RecordedRun, events: @escaping EventSink) throws -> Digest
    {
        let lock = recorded.lock
        let verified = VerifiedBlobs()
        try verified.check(report.source.layer, "the source", in: store)
        if let lock { try verified.check(lock, "the image's lock", in: store) }
        if let recipe = recorded.recipe { try verified.check(recipe, "the image's recipe", in: store) }
        // With a name of its own: the rebuilt image must not take the recorded one's place.
        var options = ImageBuildOptions(ref: "rebuild/\(report.run)", lock: lock, usesCache: false)
        let external = try ledger.imageStatement(for: report.image)?
            .predicate["buildDefinition"]?["externalParameters"]
        options.dockerfile = external?["dockerfile"]?.string
        options.derivedRecipe = recorded.recipe
        options.target = external?["target"]?.string
        options.arguments = external?["arguments"]?.object?.compactMapValues(\.string) ?? [:]
        options.platform = external?["platform"]?.string
        // A build that fetched nothing has no lock, and then there is none to take from the source either.
        options.usesCommittedLock = lock != nil
        let translated = BuildEvents(events)
        let build = try ImageBuilder(store: store, layers: layers, host: containers, cache: home.cache)
            .build(snapshot: report.source, options: options, stop: stop) { translated.send($0) }
        events(.image(build))
        try store.untag("rebuild/\(report.run)")
        return build.image
    }
}

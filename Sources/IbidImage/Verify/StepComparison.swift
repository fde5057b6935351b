import IbidLayer
import IbidModel
import IbidStore

/// Compares what two builds saw of one step.
struct StepComparison {
    let store: Store
    let normaliser: Normaliser
    /// How many processors each build had.
    let processors: (first: Int, second: Int)

    /// A verdict lists no more files than this; the last entry then says how many more there are.
    private static let longestList = 200
    /// Files whose bytes are looked into.
    private static let most = 50

    func compare(_ first: StepWatch.Seen, _ second: StepWatch.Seen) throws -> (StepVerdict, [StepDifference]) {
        guard first.layer?.digest == second.layer?.digest else {
            return (.irreproducible, try limited(irreproducible(first, second)))
        }
        guard let before = first.raw, let after = second.raw else { return (.reproduced, []) }
        let fixed = before.differences(from: after).map { path in
            StepDifference(
                path: display(path), isNormalised: true,
                cause: normaliser.drops(path) || normaliser.empties(path) ? "left out" : "made the same", detail: nil)
        }
        return fixed.isEmpty ? (.reproduced, []) : (.normalised, try limited(fixed))
    }

    private func limited(_ differences: [StepDifference]) throws -> [StepDifference] {
        guard differences.count > Self.longestList else { return differences }
        let rest = differences.count - Self.longestList
        return Array(differences.prefix(Self.longestList)) + [
            StepDifference(
                path: "…", isNormalised: differences[0].isNormalised, cause: "\(rest) more files", detail: nil)
        ]
    }

    private func irreproducible(_ first: StepWatch.Seen, _ second: StepWatch.Seen) throws -> [StepDifference] {
        let (before, after) = (try LayerFiles(first.layer, in: store), try LayerFiles(second.layer, in: store))
        let paths = Set(before.entries.keys).union(after.entries.keys)
            .filter { before.entries[$0] != after.entries[$0] }.sorted { $0.lexicographicallyPrecedes($1) }
        let files = Set(
            paths.filter {
                before.entries[$0]?.content != nil && after.entries[$0]?.content != nil
                    && before.entries[$0]?.content != after.entries[$0]?.content
            }.prefix(Self.most))
        let (old, new) = (try before.contents(of: files), try after.contents(of: files))
        let inspector = DifferenceInspector(
            firstTime: first.time, secondTime: second.time, processors: processors)
        let (removed, added) = (
            paths.filter { after.entries[$0] == nil }, paths.filter { before.entries[$0] == nil }
        )
        return paths.map { path in
            let cause: DifferenceCause
            switch (before.entries[path], after.entries[path]) {
            case (let entry?, nil):
                cause = inspector.onlyOnce(entry.entry.path, others: added)
            case (nil, let entry?):
                cause = inspector.onlyOnce(entry.entry.path, others: removed)
            case (let entry?, let other?):
                cause =
                    inspector.attributes(entry.entry, other.entry)
                    ?? inspector.content(display(path), old[path], new[path])
            case (nil, nil): cause = DifferenceCause("other bytes")
            }
            return StepDifference(
                path: display(path), isNormalised: false, cause: cause.name, detail: cause.detail)
        }
    }

    private func display(_ path: [UInt8]) -> String { "/" + String(decoding: path, as: UTF8.self) }
}

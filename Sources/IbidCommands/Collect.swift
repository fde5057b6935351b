import ArgumentParser
import IbidEngine
import IbidModel

/// `ibid gc`.
struct Collect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Show what nothing needs any more, and remove it with --force.",
        discussion: """
            What stays: every blob that an entry of the ledger names, every image that has a name ('ibid image ls') and
            every base, with their locks and packages. What goes: other blobs, unpacked layers and step records of
            images without a name. Take a name away first with 'ibid image rm' to free an image that no run used.

            With --all goes what can be made again, too: the next build runs its steps anew and unpacks its layers.
            """)

    @Flag(help: "Remove it; without this nothing is removed.")
    var force = false
    @Flag(help: "Also every unpacked layer, every step's record and cloned repositories.")
    var all = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let report = try common.engine().collect(remove: force, all: all)
        let parts = [
            ("blobs", "blobs that nothing names", report.blobs), ("layers", "unpacked layers", report.layers),
            ("steps", "records of steps", report.steps), ("temporary", "left by killed processes", report.temporary),
        ]
        if common.json {
            func json(_ part: CollectionReport.Part) -> JSONDocument {
                .object([("count", .int(Int64(part.count))), ("bytes", .int(part.bytes))])
            }
            return Terminal.out(
                JSONDocument.object(
                    [("removed", .bool(report.removed)), ("bytes", .int(report.bytes))]
                        + parts.map { ($0.0, json($0.2)) } + [("kept", json(report.kept))]
                ).text)
        }
        var table = Table("WHAT", "COUNT", "SIZE")
        for (_, name, part) in parts { table.add(name, String(part.count), Formatting.size(part.bytes)) }
        Terminal.out(table.text)
        Terminal.note("\(report.kept.count) blobs are needed, \(Formatting.size(report.kept.bytes))")
        Terminal.note(
            report.removed
                ? "removed \(Formatting.size(report.bytes))"
                : "nothing was removed; 'ibid gc --force' frees \(Formatting.size(report.bytes))")
    }
}

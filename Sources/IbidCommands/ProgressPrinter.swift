import Glibc
import IbidEngine
import IbidModel

/// Shows what the engine tells while the body runs.
///
/// - Parameter json: the analysis' stdout goes to stderr, because stdout holds the document.
func withProgress<T>(
    json: Bool, _ mode: ProgressMode = .auto, _ body: (@escaping EventSink) throws -> T
) throws -> T {
    let isLive = mode == .tty || (mode == .auto && Terminal.hasCursor)
    guard isLive else { return try body(ProgressPrinter(json: json, mode: mode, live: nil).show) }
    let live = LiveActivity()
    defer { live.stop() }
    return try body(ProgressPrinter(json: json, mode: mode, live: live).show)
}

/// The analysis' streams as they are, everything else as short lines on stderr.
private struct ProgressPrinter {
    let json: Bool
    let mode: ProgressMode
    let live: LiveActivity?

    @Sendable func show(_ event: EngineEvent) {
        switch event {
        case .stdout(let bytes): Terminal.write(bytes, to: json ? STDERR_FILENO : STDOUT_FILENO)
        case .stderr(let bytes): Terminal.write(bytes, to: STDERR_FILENO)
        // Wanted even by who wants to see no progress: a port of 0 is known from here alone.
        case .listening(let port, let seconds):
            live?.end()
            Terminal.note(
                "listening on http://\(port.authority) (Ctrl-C ends it; so does the wall time limit, "
                    + "\(seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"))")
        case .warning(let text): Terminal.note(Terminal.styled("warning:", .yellow) + " " + Terminal.safe(text))
        default: if mode != .quiet { tell(event) }
        }
    }

    private func tell(_ event: EngineEvent) {
        switch event {
        case .base(let text): goesOn("base", text)
        case .verifying(let text): goesOn("verify", text)
        case .stepStarted(let index, let count, let instruction):
            if let live {
                live.begin("build", "[\(index)/\(count)]", oneLine(instruction))
            } else if mode == .plain {
                line("build", "[\(index)/\(count)] \(oneLine(instruction))")
            }
        case .stepOutput(let bytes):
            if let live { live.output(bytes) } else if mode == .plain { Terminal.write(bytes, to: STDERR_FILENO) }
        case .stepFetching(let name, let totalBytes): live?.fetching(name, totalBytes: totalBytes)
        case .stepAfterwards(let text): live?.say(text)
        default:
            live?.end()
            report(event)
        }
    }

    private func goesOn(_ label: String, _ text: String) {
        if let live { live.begin(label, "", text, isKept: true) } else { line(label, text) }
    }

    private func report(_ event: EngineEvent) {
        switch event {
        case .snapshot(let snapshot):
            let state = snapshot.dirty ? " with uncommitted changes" : ""
            line("snapshot", "\(snapshot.commit.hex.prefix(12))\(state), tree \(snapshot.tree.hex.prefix(12))")
        case .stepFinished(let index, let count, let step, let layerBytes, let fetchedBytes):
            var facts = [step.cached ? "cached" : Formatting.duration(microseconds: step.microseconds)]
            if !step.cached, fetchedBytes > 0 { facts.append("fetched \(Formatting.size(fetchedBytes))") }
            if !step.cached, layerBytes > 0 { facts.append("layer \(Formatting.size(layerBytes))") }
            line("build", "[\(index)/\(count)] \(oneLine(step.instruction)) (\(facts.joined(separator: ", ")))")
        case .stepVerified(let index, let count, let step): verdict(step, "[\(index)/\(count)]")
        case .image(let build):
            line("image", "\(Formatting.short(build.image)) \(build.ref), \(Formatting.size(build.sizeBytes))")
        case .runStarted(let run, let command): line("run", "\(run) \(oneLine(command.joined(separator: " ")))")
        case .probe(let text): line("explain", text)
        default: break
        }
    }
}

private func line(_ label: String, _ text: String) {
    Terminal.note(Terminal.styled(label, .dim) + " " + Terminal.safe(text))
}

/// One line for a step, and one for each file in which its two builds differed.
private func verdict(_ step: ImageBuild.Step, _ number: String) {
    guard let verdict = step.verdict else { return }
    let style: Terminal.Style = verdict == .irreproducible ? .red : .green
    Terminal.note(
        Terminal.styled("verify", .dim) + " \(number) \(Terminal.safe(oneLine(step.instruction))): "
            + Terminal.styled(verdict.rawValue, style))
    let differences = step.differences ?? []
    for difference in differences.prefix(20) {
        let detail = difference.detail.map { ": \($0)" } ?? ""
        Terminal.note("    " + Terminal.safe("\(difference.path) (\(difference.cause)\(detail))"))
    }
    if differences.count > 20 { Terminal.note("    … and \(differences.count - 20) more, with --json") }
}

private func oneLine(_ text: String) -> String {
    let flat = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return flat.count > 100 ? flat.prefix(99) + "…" : flat
}

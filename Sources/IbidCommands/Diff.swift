import ArgumentParser
import IbidEngine
import IbidModel

/// `ibid diff`.
struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare two runs: code, lock, image, inputs, parameters, environment, outputs.",
        discussion: """
            Outputs are compared by the rules that were sealed with the first run. Exit status 0: the outputs are
            identical or equivalent, whatever else differs; 4: they differ.
            """)

    @Argument(help: "The first run: an id, a unique prefix of it, or @last.")
    var first: String
    @Argument(help: "The second run.")
    var second: String
    @Option(help: "Write a page with every difference, pictures side by side.", completion: .file())
    var report: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let difference = try engine.diff(try engine.resolve(first), try engine.resolve(second))
        if common.json { Terminal.out(ReportJSON.diff(difference).text) } else { show(difference) }
        if let report { try ReplayPage(difference: difference).write(to: report) }
        if difference.verdict == .different || difference.verdict == .failed { throw ExitCode(4) }
        if difference.verdict == .unverifiable { throw ExitCode(IbidError.Exit.verificationFailed.rawValue) }
    }

    private func show(_ difference: RunDifference) {
        for layer in difference.layers {
            let label = layer.name + String(repeating: " ", count: max(1, 13 - layer.name.count))
            guard let first = layer.lines.first else {
                Terminal.out(label + "same\n")
                continue
            }
            Terminal.out(label + Terminal.safe(first) + "\n")
            for line in layer.lines.dropFirst().prefix(20) {
                Terminal.out(String(repeating: " ", count: 13) + Terminal.safe(line) + "\n")
            }
        }
        for output in difference.outputs where output.verdict != .identical {
            Terminal.out(
                "output       \(Terminal.safe(output.path)): \(output.verdict.rawValue)"
                    + "\(Terminal.safe(output.detail.map { ", \($0)" } ?? ""))\n")
            for line in output.differences.prefix(6) {
                Terminal.out(String(repeating: " ", count: 15) + Terminal.safe(line) + "\n")
            }
        }
        let same = difference.outputs.count { $0.verdict == .identical }
        Terminal.out("outputs      \(same) of \(difference.outputs.count) identical\n")
    }
}

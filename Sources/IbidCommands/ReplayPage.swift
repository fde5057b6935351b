import FoundationEssentials
import IbidEngine
import IbidModel
import SystemPackage

/// A page of comparisons for a browser or paper: one file, nothing loaded from elsewhere, no scripts. Whatever an
/// analysis wrote is text here, never markup.
struct ReplayPage {
    private var title: String
    private var body = ""
    /// Pictures beyond this many bytes in all are left out.
    private var pictureBytes = 64 << 20

    /// A page of replays.
    init(reports: [ReplayReport]) {
        title = "Replay report"
        if reports.count > 1 { body += Self.overview(reports) }
        for report in reports { add(report) }
    }

    /// A page of two runs side by side.
    init(difference: RunDifference) {
        title = "Two runs"
        body += "<p class=\"ids\">\(difference.first), then \(difference.second)</p>"
        body += "<table><tr><th>Layer</th><th>Difference</th></tr>"
        for layer in difference.layers {
            let lines = layer.lines.map { Self.text($0) }.joined(separator: "\n")
            body += "<tr><td>\(layer.name)</td><td>\(lines.isEmpty ? "same" : "<pre>\(lines)</pre>")</td></tr>"
        }
        body += "</table><h2>Outputs \(Self.verdict(difference.verdict))</h2>"
        add(difference.outputs)
    }

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title)</title><style>\(Self.style)</style></head>
        <body><h1>\(title)</h1>\(body)</body></html>

        """
    }

    /// Writes the page; a file that is there is replaced.
    func write(to path: String) throws {
        _ = try WholeFile.write(FilePath(path)) { sink in try Array(html.utf8).withUnsafeBytes(sink) }
        Terminal.note("wrote \(path)")
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; --dim: #666; }
        @media (prefers-color-scheme: dark) { :root { --dim: #999; } }
        body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
        table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem;
        border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
        td.path, code, pre { font-family: ui-monospace, monospace; font-size: 13px; } td.path { min-width: 9rem; overflow-wrap: anywhere; }
        pre { background: #8881; padding: .7rem; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
        border-radius: 4px; }
        .v { border-radius: 3px; padding: .05rem .4rem; color: #fff; white-space: nowrap; }
        .identical { background: #2b7a3d; } .equivalent { background: #4a7a2b; } .different { background: #b3261e; }
        .failed { background: #7a2b6a; } .unverifiable { background: #8a5a00; }
        .pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .8rem; margin-top: .8rem; }
        figure { margin: 0; } figure img { max-width: 100%; border: 1px solid var(--line); background: #fff; }
        figcaption, .ids { font-size: 13px; } .ids { color: var(--dim); }
        .cause { border-left: 4px solid #b3261e; padding-left: .7rem; margin-bottom: .8rem; }
        @media (max-width: 40rem) { .pictures { grid-template-columns: 1fr; } }
        @media print { :root { color-scheme: light; } body { margin: 0; max-width: none; font-size: 10pt; }
        .v { color: #000; background: none; border: 1px solid #000; } a { color: inherit; }
        figure, .cause, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
        """

    private static func overview(_ reports: [ReplayReport]) -> String {
        let rows = reports.map { report in
            "<tr><td class=\"path\"><a href=\"#\(report.run)\">\(report.replayOf)</a></td>"
                + "<td>\(text(report.job))</td><td>\(verdict(report.verdict))</td></tr>"
        }
        return "<table><tr><th>Run</th><th>Job</th><th>Verdict</th></tr>\(rows.joined())</table>"
    }

    private mutating func add(_ report: ReplayReport) {
        body += "<section id=\"\(report.run)\"><h2>\(Self.text(report.job)) \(Self.verdict(report.verdict))</h2>"
        body += "<p class=\"ids\">replay \(report.run) of \(report.replayOf), image \(report.expectedImage)</p>"
        if let reason = report.reason { body += "<p>\(Self.text(reason))</p>" }
        add(report.outputs)
        body += "</section>"
    }

    private mutating func add(_ outputs: [OutputVerdict]) {
        body += "<table><tr><th>Output</th><th>Verdict</th><th>Rule</th><th>Detail</th></tr>"
        for output in outputs {
            body += "<tr><td class=\"path\">\(Self.text(output.path))</td><td>\(Self.verdict(output.verdict))</td>"
            body += "<td>\(Self.text(output.rule))</td><td>\(Self.text(output.detail ?? ""))</td></tr>"
        }
        body += "</table>"
        for output in outputs where output.verdict != .identical { addDetails(output) }
    }

    private mutating func addDetails(_ output: OutputVerdict) {
        var html = ""
        if let cause = output.cause {
            html += "<div class=\"cause\"><p>\(Self.text(cause.summary))</p><pre>\(Self.text(cause.advice))</pre></div>"
        }
        if !output.differences.isEmpty {
            html += "<pre>\(output.differences.map { Self.text($0) }.joined(separator: "\n"))</pre>"
        }
        if let pictures = output.pictures {
            let size = pictures.before.count + pictures.after.count + (pictures.map?.count ?? 0)
            if size > pictureBytes {
                html += "<p>The pictures are too large for this page.</p>"
            } else {
                pictureBytes -= size
                html += "<div class=\"pictures\">" + Self.figure(pictures.before, "before")
                html += Self.figure(pictures.after, "after")
                html += pictures.map.map { Self.figure($0, "difference map: what differs is red") } ?? ""
                html += "</div>"
            }
        }
        if !html.isEmpty { body += "<h3><code>\(Self.text(output.path))</code></h3>" + html }
    }

    private static func figure(_ picture: [UInt8], _ caption: String) -> String {
        let type = picture.starts(with: [0xFF, 0xD8]) ? "jpeg" : "png"
        let address = "data:image/\(type);base64,\(Data(picture).base64EncodedString())"
        return "<figure><img alt=\"\(caption)\" src=\"\(address)\"><figcaption>\(caption)</figcaption></figure>"
    }

    private static func verdict(_ verdict: Verdict) -> String {
        "<span class=\"v \(verdict.rawValue)\">\(verdict.rawValue)</span>"
    }

    /// Text with everything that HTML would take for its own written as entities.
    static func text(_ text: String) -> String {
        var html = ""
        for scalar in Terminal.safe(text).unicodeScalars {
            if let entity = scalar.htmlEntity { html += entity } else { html.unicodeScalars.append(scalar) }
        }
        return html
    }
}

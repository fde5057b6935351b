import Foundation
import IbidEngine
import IbidModel

/// A page of replays for a browser: one file, nothing loaded from elsewhere, no scripts. Whatever an analysis wrote is
/// text here, never markup.
struct ReplayPage {
    let reports: [ReplayReport]

    /// Pictures beyond this many bytes in all are left out.
    private static let mostPictureBytes = 64 << 20

    var html: String {
        var left = Self.mostPictureBytes
        var body = ""
        if reports.count > 1 { body += overview }
        for report in reports { body += section(report, &left) }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Replay report</title><style>\(Self.style)</style></head>
            <body><h1>Replay report</h1>\(body)</body></html>

            """
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; }
        body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
        table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem;
        border-bottom: 1px solid var(--line); vertical-align: top; } td.path, code, pre { font-family: ui-monospace,
        monospace; font-size: 13px; } pre { background: #8881; padding: .7rem; overflow-x: auto; border-radius: 4px; }
        .v { border-radius: 3px; padding: .05rem .4rem; color: #fff; white-space: nowrap; }
        .identical { background: #2b7a3d; } .equivalent { background: #4a7a2b; } .different { background: #b3261e; }
        .failed { background: #7a2b6a; } .unverifiable { background: #8a5a00; }
        .pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .8rem; } figure { margin: 0; }
        figure img { max-width: 100%; border: 1px solid var(--line); background: #fff; image-rendering: auto; }
        figcaption { font-size: 13px; } .cause { border-left: 4px solid #b3261e; padding-left: .7rem; }
        .ids { color: #888; font-size: 13px; }
        """

    private var overview: String {
        let rows = reports.map { report in
            "<tr><td class=\"path\"><a href=\"#\(report.replayOf)\">\(report.replayOf)</a></td>"
                + "<td>\(Self.text(report.job))</td><td>\(Self.verdict(report.verdict))</td></tr>"
        }
        return "<table><tr><th>Run</th><th>Job</th><th>Verdict</th></tr>\(rows.joined())</table>"
    }

    private func section(_ report: ReplayReport, _ left: inout Int) -> String {
        var html =
            "<section id=\"\(report.replayOf)\"><h2>\(Self.text(report.job)) \(Self.verdict(report.verdict))</h2>"
        html += "<p class=\"ids\">replay \(report.run) of \(report.replayOf), image \(report.expectedImage)</p>"
        if let reason = report.reason { html += "<p>\(Self.text(reason))</p>" }
        html += "<table><tr><th>Output</th><th>Verdict</th><th>Rule</th><th>Detail</th></tr>"
        for output in report.outputs {
            html += "<tr><td class=\"path\">\(Self.text(output.path))</td><td>\(Self.verdict(output.verdict))</td>"
            html += "<td>\(Self.text(output.rule))</td><td>\(Self.text(output.detail ?? ""))</td></tr>"
        }
        html += "</table>"
        for output in report.outputs where output.verdict != .identical { html += details(output, &left) }
        return html + "</section>"
    }

    private func details(_ output: OutputVerdict, _ left: inout Int) -> String {
        var html = ""
        if let cause = output.cause {
            html += "<div class=\"cause\"><p>\(Self.text(cause.summary))</p><pre>\(Self.text(cause.advice))</pre></div>"
        }
        if !output.differences.isEmpty {
            html += "<pre>\(output.differences.map { Self.text($0) }.joined(separator: "\n"))</pre>"
        }
        if let pictures = output.pictures {
            let size = pictures.before.count + pictures.after.count + (pictures.map?.count ?? 0)
            if size > left {
                html += "<p>The pictures are too large for this page.</p>"
            } else {
                left -= size
                html += "<div class=\"pictures\">" + Self.figure(pictures.before, "before")
                html += Self.figure(pictures.after, "after")
                html += pictures.map.map { Self.figure($0, "difference map: what differs is red") } ?? ""
                html += "</div>"
            }
        }
        return html.isEmpty ? "" : "<h3><code>\(Self.text(output.path))</code></h3>" + html
    }

    private static func figure(_ png: [UInt8], _ caption: String) -> String {
        "<figure><img alt=\"\(caption)\" src=\"data:image/png;base64,\(Data(png).base64EncodedString())\">"
            + "<figcaption>\(caption)</figcaption></figure>"
    }

    private static func verdict(_ verdict: Verdict) -> String {
        "<span class=\"v \(verdict.rawValue)\">\(verdict.rawValue)</span>"
    }

    /// Text with everything that HTML would take for its own written as entities.
    static func text(_ text: String) -> String {
        var html = ""
        for scalar in Terminal.safe(text).unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default: html.unicodeScalars.append(scalar)
            }
        }
        return html
    }
}

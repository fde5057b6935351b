import IbidCrypto
import IbidMerkle
import IbidModel
import IbidStore

/// The archive for people: one HTML file without scripts and without anything from elsewhere.
struct Page {
    private static let largestPicture: Int64 = 4 << 20
    private static let enclosedBytes: Int64 = 24 << 20

    let evidence: RunEvidence
    let store: Store
    /// The file of each output, in the order of the result.
    let outputs: [String]
    /// Every other file, for the list at the end.
    let files: [ArchiveFile]

    func text() throws -> String {
        let ran = evidence.result
        let ending =
            switch ran.status {
            case .succeeded: "succeeded"
            case .failed: "failed with exit status \(ran.exitCode ?? -1)"
            case .killed: "was killed: \(ran.reason ?? "no reason given")"
            case .refused: "was refused: \(ran.reason ?? "no reason given")"
            }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escape("\(evidence.job) \(evidence.run)"))</title>
            <style>\(Self.style)</style></head><body>
            <h1>\(HTML.escape(evidence.job.isEmpty ? "A run" : evidence.job)) <small>\(evidence.run)</small></h1>
            <p>The run \(HTML.escape(ending)), \(HTML.escape(evidence.startedAt.description)) to \
            \(HTML.escape(evidence.finishedAt.description)) (the host's clock).</p>
            <h2>What ran</h2>\(table(what))
            <h2>On what</h2>\(table(machine))
            <h2>Outputs</h2>\(try outputSection())
            <h2>What it printed</h2>\(try stream("stdout", ran.stdout))\(try stream("stderr", ran.stderr))
            <h2>What is proved</h2>\(list(evidence.verification.proved, "yes"))
            <h2>What is not</h2>\(list(evidence.verification.notProved, "no"))
            <h2>Done again</h2>\(replays)
            <h2>Entries in the log</h2>\(table(entries))
            <h2>Check it</h2>\(Self.instructions)
            <h2>Files</h2>\(table(files.map { ($0.path, "\($0.size) bytes, sha256 \($0.digest.hex)") }))
            </body></html>

            """
    }

    private static let style = """
        body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
        h1 small{font-size:50%;color:#777}h2{margin-top:2.5rem;border-bottom:1px solid #ddd}\
        table{border-collapse:collapse;display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;\
        padding:.15rem .8rem .15rem 0;overflow-wrap:anywhere}td:first-child{color:#555;white-space:nowrap}\
        table.data td,table.data th{border:1px solid #ddd;padding:.1rem .5rem;color:#222;font-size:85%}\
        pre{background:#f6f6f6;padding:.7rem;overflow-x:auto;font-size:85%}img{max-width:100%;border:1px solid #eee}\
        pre.cell{background:#fff;border-left:3px solid #ccc}code{font-size:85%;overflow-wrap:anywhere}li.yes::marker{content:"✓ "}li.no::marker{content:"? "}
        """

    private static let instructions = """
        <pre>ibid verify FILE.tar                          # all of it
        python3 verify.py FILE.tar                     # all of it, without Ibid
        sha256sum -c tagmanifest-sha256.txt &amp;&amp; sha256sum -c manifest-sha256.txt
        openssl dgst -sha256 -verify data/keys/attestor.pub.pem -signature tagmanifest-sha256.txt.sig tagmanifest-sha256.txt
        openssl dgst -sha256 -verify data/keys/attestor.pub.pem -signature data/attest/run.sig data/attest/run.pae
        openssl ts -verify -data data/ledger/stamped/checkpoint -in data/ledger/stamped/checkpoint.tsr -CAfile AUTHORITY.pem   # if enclosed
        bagit.py --validate .
        model_signing verify key data/outputs --signature data/attest/outputs.oms.sigstore.json --public_key data/keys/attestor.pub.pem
        sh data/rerun/run.sh                           # do it again with podman or docker</pre>
        """

    // MARK: Tables

    private var what: [(String, String)] {
        let (source, spec) = (evidence.source, evidence.spec)
        var rows = [
            ("command", evidence.commandLine), ("working directory", spec.workingDirectory),
            ("commit", source.commit.hex + (source.dirty ? " with uncommitted changes" : "")),
            ("tree", source.tree.hex),
        ]
        if let origin = source.origin { rows.append(("repository", origin)) }
        if !source.subdirectory.isEmpty { rows.append(("directory", source.subdirectory)) }
        rows.append(("image", spec.image.description))
        if let inventory = evidence.inventory {
            let count = { kind in inventory.packages.count { $0.kind == kind } }
            rows.append(
                ("software", "\(count("deb")) Debian and \(count("pypi")) Python packages: sbom/bom.cdx.json"))
        }
        rows += spec.params.sorted { $0.key < $1.key }.map { ("parameter " + $0.key, $0.value) }
        rows += spec.inputs.sorted { $0.key < $1.key }.map {
            ("input " + $0.key, "\($0.value.kind.rawValue), \($0.value.size) bytes, \($0.value.digest)")
        }
        return rows
    }

    private var machine: [(String, String)] {
        let spec = evidence.spec
        return evidence.facts + [
            ("determinism", spec.determinism.rawValue), ("processor level", spec.cpu?.rawValue ?? "none"),
            ("platform", spec.platform), ("runtime", spec.runtime),
            (
                "limits",
                "memory \(spec.limits.memoryBytes) bytes, \(spec.limits.cpuMillis)/1000 cores, \(spec.limits.pids) "
                    + "processes, \(spec.limits.wallSeconds) s"
            ),
        ]
    }

    private var entries: [(String, String)] {
        var rows = [("log", evidence.ledgerKey.name.text)]
        for item in evidence.attestations { rows.append((item.name, "entry \(item.leafIndex)")) }
        let head = evidence.checkpoint.text.split(separator: "\n").dropFirst()
        rows.append(("signed head", head.joined(separator: " entries, root ")))
        for (word, consistency) in evidence.outside {
            let kind = word.kind == .stamped ? "time stamp" : "witness"
            rows.append((kind, "of the first \(consistency.oldSize) entries: ledger/\(word.kind.rawValue)"))
        }
        return rows
    }

    private func table(_ rows: [(String, String)]) -> String {
        if rows.isEmpty { return "<p>none</p>" }
        return "<table>"
            + rows.map { "<tr><td>\(HTML.escape($0.0))</td><td>\(HTML.escape($0.1))</td></tr>" }.joined(separator: "\n")
            + "</table>"
    }

    private func list(_ sentences: [String], _ kind: String) -> String {
        "<ul>" + sentences.map { "<li class=\"\(kind)\">\(HTML.escape($0))</li>" }.joined(separator: "\n") + "</ul>"
    }

    private var replays: String {
        let rows = evidence.replays.map { replay -> (String, String) in
            let details = replay.statement.predicate["configuration"]?.array?.first?["annotations"]
            let verdict = details?["verdict"]?.string ?? replay.statement.predicate["result"]?.string ?? "?"
            return ("entry \(replay.leafIndex)", "\(verdict), \(details?["finishedOn"]?.string ?? "")")
        }
        return rows.isEmpty ? "<p>No replay was entered when this was written.</p>" : table(rows)
    }

    // MARK: Outputs

    private func outputSection() throws -> String {
        if outputs.isEmpty { return "<p>It left no outputs.</p>" }
        var left = Self.enclosedBytes
        var text = ""
        for (output, file) in zip(evidence.result.outputs, outputs) {
            let name = HTML.escape(output.path)
            // What a browser would run is shown as text, and never one click away.
            let link =
                Preview.isActive(output.path) ? name : "<a href=\"\(ResearchCrate.identifier(file))\">\(name)</a>"
            text += "<h3>\(link)</h3><p>\(output.size) bytes, <code>\(output.digest)</code></p>\n"
            if output.kind == .symlink {
                text += "<p>A symbolic link; the file in this archive holds its target.</p>"
            } else if output.size <= Self.largestPicture, output.size <= left {
                text += try preview(output, &left)
            }
        }
        for (path, reason) in evidence.refusedOutputs.sorted(by: { $0.key < $1.key }) {
            text += "<p>Left out: \(HTML.escape(path)) (\(HTML.escape(reason)))</p>"
        }
        return text
    }

    private func preview(_ output: RunOutput, _ left: inout Int64) throws -> String {
        let bytes = try store.read(output.digest)
        let html = Preview.html(bytes, name: output.path)
        left -= Int64(html.utf8.count)
        return html
    }

    private func stream(_ name: String, _ digest: Digest) throws -> String {
        let size = try store.size(of: digest)
        guard size > 0 else { return "<p>\(name): nothing</p>" }
        let link = "<p><a href=\"logs/\(name).txt\">\(name)</a>, \(size) bytes</p>"
        return size > Self.largestPicture ? link : link + Preview.text(try store.read(digest))
    }
}

/// Text in HTML: whatever it holds, it stays text.
enum HTML {
    /// The text with every character that could mean something replaced, and invisible ones shown.
    static func escape(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            if let entity = scalar.htmlEntity {
                output += entity
                continue
            }
            switch scalar {
            case "\n", "\t", "\u{20}"..."\u{7e}": output.unicodeScalars.append(scalar)
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .surrogate, .unassigned, .privateUse, .lineSeparator, .paragraphSeparator:
                    output += "\\x" + Hex.encode(Array(String(scalar).utf8))
                default: output.unicodeScalars.append(scalar)
                }
            }
        }
        return output
    }

    /// A table of data: the first row is the header.
    static func table(_ rows: [[String]], limit: Int = 50) -> String {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.prefix(30).map { "<\(tag)>\(escape($0))</\(tag)>" }.joined() + "</tr>"
        }
        guard let header = rows.first else { return "" }
        let shown = rows.dropFirst().prefix(limit)
        return "<table class=\"data\">" + row(header, "th") + shown.map { row($0, "td") }.joined(separator: "\n")
            + "</table>" + (rows.count - 1 > limit ? "<p>… \(rows.count - 1) rows in all</p>" : "") + "\n"
    }
}

/// Comma-separated values (RFC 4180) and their cousins, as far as a preview needs them.
enum DelimitedText {
    static func rows(_ text: String, separator: Character) -> [[String]] {
        var rows: [[String]] = []
        var (row, cell, quoted, before) = ([String](), "", false, Character(" "))
        for character in text {
            defer { before = character }
            if quoted {
                if character == "\"" { quoted = false } else { cell.append(character) }
            } else if character == "\"" {
                // A doubled quote ended and begins again, and stands for one.
                if before == "\"" { cell.append(character) }
                quoted = true
            } else if character == separator {
                row.append(cell)
                cell = ""
            } else if character == "\n" || character == "\r\n" {
                rows.append(row + [cell])
                (row, cell) = ([], "")
            } else {
                cell.append(character)
            }
        }
        if !row.isEmpty || !cell.isEmpty { rows.append(row + [cell]) }
        return rows
    }
}

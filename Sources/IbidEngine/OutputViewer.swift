import IbidCompare
import IbidContainer
import IbidModel
import IbidStore

/// Looks at outputs with programs of this machine, for what Ibid does not read by itself: rsvg-convert shows SVG,
/// diffoscope explains what is left.
struct OutputViewer {
    let engine: Engine

    /// Why there is no picture, in words.
    enum Failure: Error {
        /// This machine cannot make pictures of SVG.
        case unavailable(String)
        /// This file has none.
        case unreadable(String)
    }

    /// An SVG as a PNG, drawn at its own size.
    func png(ofSVG bytes: [UInt8]) throws -> [UInt8] {
        guard let program = HostProgram("rsvg-convert") else {
            throw Failure.unavailable("needs rsvg-convert to see SVG, which is not installed (Debian: librsvg2-bin)")
        }
        let place = "/inputs/picture.svg"
        let drawn = try program.run(["--format=png", place], files: [place: bytes], engine: engine)
        switch drawn.ending {
        case .exited(0) where !drawn.stdout.isEmpty: return drawn.stdout
        case .exited:
            let words = String(decoding: drawn.stderr.prefix(2_000), as: UTF8.self).split(separator: "\n").first ?? ""
            throw Failure.unreadable("it cannot be drawn: \(words.prefix(200))")
        case .killed(let reason): throw Failure.unreadable("drawing it was ended: \(reason)")
        }
    }

    /// What diffoscope says of two files; nil where there is no diffoscope.
    func diffoscope(path: String, _ before: [UInt8], _ after: [UInt8]) throws -> [String]? {
        guard let program = HostProgram("diffoscope") else { return nil }
        // It goes by suffixes too; anything else in the name is the analysis' choice.
        let suffix =
            path.split(separator: ".").last.map { String($0.prefix(12).filter { $0.isASCII && $0.isLetter }) } ?? ""
        let name = "output" + (path.contains(".") && !suffix.isEmpty ? "." + suffix : "")
        let places = ["/inputs/before/\(name)", "/inputs/after/\(name)"]
        let found = try program.run(
            ["--no-progress", "--text=-", "--max-text-report-size=16384", "--max-diff-block-lines=40"] + places,
            files: [places[0]: before, places[1]: after], engine: engine)
        if case .killed(let reason) = found.ending { return ["diffoscope was ended: \(reason)"] }
        let lines = String(decoding: found.stdout, as: UTF8.self).split(separator: "\n").dropFirst(2)
        guard !lines.isEmpty else {
            let words = String(decoding: found.stderr.suffix(300), as: UTF8.self).split(separator: "\n").last ?? ""
            return ["diffoscope says nothing: \(words)"]
        }
        return lines.prefix(60).map { "diffoscope: " + $0.prefix(160) }
    }
}

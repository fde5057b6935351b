import ArgumentParser
import FoundationEssentials
import IbidEngine
import IbidModel

/// Many runs of one job.
struct SweepOptions: ParsableArguments {
    @Option(
        name: .customLong("sweep"), parsing: .singleValue,
        help: "Run once for each value: NAME=1..100 or NAME=a,b,c. With several, once for each combination.",
        transform: NamedValue.init)
    var sweeps: [NamedValue] = []
    @Option(help: "Run once for each row of a CSV file whose first row names parameters.", completion: .file())
    var rows: String?
    @Option(name: .shortAndLong, help: "How many run at one time (default: one for each processor).")
    var jobs: Int?

    /// So many runs can still be told of in one document.
    static let most = 100_000

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs is at least 1") }
        if jobs != nil, !isWanted {
            throw ValidationError("--jobs needs --sweep or --rows: what should run many times?")
        }
    }

    var isWanted: Bool { rows != nil || !sweeps.isEmpty }

    var width: Int { jobs ?? ProcessInfo.processInfo.activeProcessorCount }

    /// The parameters of each run.
    func parameters() throws -> [[String: String]] {
        var result: [[String: String]] = [[:]]
        if let rows { result = try Self.table(rows) }
        for sweep in sweeps {
            guard result.allSatisfy({ $0[sweep.name] == nil }) else {
                throw ValidationError("the parameter '\(sweep.name)' is given twice")
            }
            let values = try Self.values(sweep)
            guard result.count * values.count <= Self.most else {
                throw ValidationError("that would be more than \(Self.most) runs")
            }
            result = result.flatMap { row in values.map { row.merging([sweep.name: $0]) { $1 } } }
        }
        return result
    }

    private static func values(_ sweep: NamedValue) throws -> [String] {
        if let match = sweep.value.wholeMatch(of: /(-?[0-9]+)\.\.(-?[0-9]+)/) {
            guard let first = Int(match.1), let last = Int(match.2), first <= last, last - first < most else {
                throw ValidationError("'\(sweep.value)' is no range: write first..last, at most \(most) values")
            }
            return (first...last).map(String.init)
        }
        return sweep.value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func table(_ path: String) throws -> [[String: String]] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw IbidError("rows-not-found", "cannot read '\(path)'", hint: "give a CSV file", exit: .notFound)
        }
        let records = try CSV.records(String(decoding: bytes, as: UTF8.self), file: path)
        guard let header = records.first, records.count > 1 else {
            throw IbidError("rows-malformed", "\(path) has no rows below its header")
        }
        guard Set(header.fields).count == header.fields.count else {
            throw IbidError("rows-malformed", "\(path):1: a parameter is named twice")
        }
        guard records.count <= most else { throw IbidError("rows-malformed", "\(path) has more than \(most) rows") }
        return try records.dropFirst().map { record in
            guard record.fields.count == header.fields.count else {
                throw IbidError(
                    "rows-malformed",
                    "\(path):\(record.line): \(record.fields.count) fields, the header has \(header.fields.count)")
            }
            return Dictionary(uniqueKeysWithValues: zip(header.fields, record.fields))
        }
    }
}

/// Comma-separated values (RFC 4180).
enum CSV {
    /// One record and the line on which it begins.
    struct Record {
        var line: Int
        var fields: [String]
    }

    /// All records; empty lines are none.
    static func records(_ text: String, file: String) throws -> [Record] {
        var records: [Record] = []
        var (line, fields, field): (Int, [String], String) = (1, [], "")
        var (begin, quoted, wasQuoted) = (1, false, false)
        func endField() {
            fields.append(field)
            (field, wasQuoted) = ("", false)
        }
        func endRecord() {
            if !fields.isEmpty || !field.isEmpty || wasQuoted {
                endField()
                records.append(Record(line: begin, fields: fields))
            }
            (fields, begin) = ([], line + 1)
        }
        var rest = Array(text.replacing("\r\n", with: "\n"))[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"" where quoted && rest.first == "\"":
                field.append("\"")
                rest = rest.dropFirst()
            case "\"" where quoted: quoted = false
            case "\"" where field.isEmpty && !wasQuoted: (quoted, wasQuoted) = (true, true)
            case "," where !quoted: endField()
            case "\n" where !quoted:
                endRecord()
                line += 1
            default:
                if character == "\n" { line += 1 }
                field.append(character)
            }
        }
        guard !quoted else { throw IbidError("rows-malformed", "\(file):\(begin): a quote is not closed") }
        endRecord()
        return records
    }
}

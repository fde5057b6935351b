import Foundation
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidCommands

@Suite struct ProgressTests {
    @Test(arguments: [
        ("pip install", 11), ("naïve", 5), ("nai\u{308}ve", 5), ("数据", 4), ("한글", 4), ("a🙂b", 4), ("e\u{200d}", 1),
    ])
    func countsColumns(text: String, columns: Int) { #expect(Columns.count(text) == columns) }

    @Test func cutsBetweenCharacters() {
        #expect(Columns.cut("数据分析", to: 8) == "数据分析")
        #expect(Columns.cut("数据分析", to: 7) == "数据分…")
        #expect(Columns.cut("数据分析", to: 6) == "数据…")
        #expect(Columns.cut("abc", to: 0).isEmpty)
    }

    @Test(arguments: 1...90)
    func aLineNeverTakesMoreThanItMay(width: Int) {
        for detail in ["", "Downloading pandas-3.1.1-cp311-cp311-manylinux.whl (12.4 MB)", "下载数据集"] {
            let line = ProgressLine(
                label: "build", number: "[2/14]", what: "RUN pip install --no-cache-dir -r requirements.txt",
                facts: "12.3 s, fetched 52 MiB", detail: detail)
            let (text, columns) = line.fitted(to: width)
            #expect(columns <= width && Columns.count(text) == columns)
        }
    }

    @Test(arguments: [
        ("one\ntwo\n", "two"), ("one\ntw", "tw"), ("10 %\r20 %\r", "20 %"), ("\u{1b}[1;32mgreen\u{1b}[0m\n\n", "green"),
        ("\u{1b}]0;title\u{7}\tdone \n", "done"), ("", ""),
    ])
    func showsTheLastLine(printed: String, line: String) {
        var output = OutputLine()
        // In any pieces.
        for byte in printed.utf8 { output.add([byte]) }
        #expect(output.text == line)
    }
}

extension EndToEndTests {
    /// Oracle: `script` (util-linux) gives the program a terminal and keeps what it writes there.
    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "this machine has no script(1)"))
    func aTerminalHasOneLineThatFollows() throws {
        try Bench.with { bench in
            try bench.job(
                "print('hi')",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    WORKDIR /job
                    RUN echo first; sleep 0.4; echo second >&2; sleep 0.4
                    COPY main.py ./
                    ENTRYPOINT ["python", "main.py"]
                    """
                ])
            func terminal(_ words: String, environment: [String: String] = [:]) throws -> ShellResult {
                let command = "stty cols 60; \(bench.ibid) image build . --no-cache \(words)"
                return try shell(
                    ["script", "-qec", command, "/dev/null"], in: bench.repository.string,
                    environment: ["IBID_HOME": bench.home.string, "TERM": "xterm"].merging(environment) { $1 })
            }
            let live = try terminal("")
            #expect(live.status == 0)
            #expect(live.stdout.contains("\r\u{1b}[J"))
            let drawn = live.stdout.components(separatedBy: "\u{1b}[J").filter { $0.contains("sleep") }
            #expect(drawn.contains { $0.contains("first") } && drawn.contains { $0.contains("second") })
            // What stays are lines without anything that was drawn over.
            let rows = live.stdout.replacingOccurrences(of: "\r\n", with: "\n").split(separator: "\n")
                .map { $0.components(separatedBy: "\u{1b}[J").last ?? "" }
            #expect(rows.count { $0.contains("[2/4]") } == 1)
            #expect(rows.last?.hasPrefix("sha256:") == true)

            let plain = try terminal("--progress plain", environment: ["NO_COLOR": "1"])
            #expect(!plain.stdout.contains("\u{1b}"))
            #expect(plain.stdout.contains("first\r\nsecond\r\n"))
            #expect(try !terminal("", environment: ["TERM": "dumb"]).stdout.contains("\u{1b}"))
            let quiet = try terminal("--progress quiet")
            #expect(quiet.stdout.hasPrefix("sha256:") && quiet.stdout.split(whereSeparator: \.isNewline).count == 1)

            #expect(try bench.call("image", "build", ".", "--progress", "tty").status == 64)
            try bench.job("", files: ["Dockerfile": "FROM python:3.11\nRUN echo it is $((6*7)); sleep 0.3; exit 9\n"])
            let failed = try terminal("")
            #expect(failed.status == 1)
            let end = failed.stdout.components(separatedBy: "\u{1b}[J").last ?? ""
            #expect(end.contains("Dockerfile:2") && end.contains("exit status 9") && end.contains("it is 42"))
        }
    }
}

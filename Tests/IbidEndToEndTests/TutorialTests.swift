import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    private static let isOnline = ProcessInfo.processInfo.environment["IBID_TEST_OFFLINE"] == nil

    /// The real job, with packages from the network: what jobs/quickstart does, as programs see it.
    @Test(.enabled(if: isOnline, "IBID_TEST_OFFLINE is set"))
    func iris() throws {
        try Bench.with { bench in
            let sources = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            try Bench.run(["cp", "-r", sources.appending("jobs/iris").string, "iris"], in: bench.repository.string)
            try bench.sh("git add -A; git commit -qm iris")
            let run = try bench.json("submit", "iris")
            #expect(run["job"].string == "iris")
            #expect(
                run["outputs"].array.map { $0["path"].string } == [
                    "results/head.csv", "results/iris.png", "results/summary.csv",
                ])
            let table = try bench.call("logs", "--stdout", "@last").stdout
            #expect(table.hasPrefix("   sepal_length  sepal_width  petal_length  petal_width species\n"))
            #expect(table.contains("4           5.0          3.6           1.4          0.2  setosa\n"))
            // The same numbers from the same data, without Python.
            let out = bench.root.appending("out").string
            #expect(try bench.call("outputs", "@last", "-o", out).status == 0)
            let head = try Bench.run(["head", "-6", "iris/iris.csv"], in: bench.repository.string)
            #expect(try String(contentsOfFile: out + "/results/head.csv", encoding: .utf8) == head)
            let means = try Bench.run(
                [
                    "awk", "-F,",
                    """
                    NR > 1 { n[$5]++; for (i = 1; i < 5; i++) s[$5, i] += $i }
                    END { for (k in n) { printf "%s", k; for (i = 1; i < 5; i++) printf ",%.3f", s[k, i] / n[k]; print "" } }
                    """, "iris/iris.csv",
                ], in: bench.repository.string)
            let summary = try String(contentsOfFile: out + "/results/summary.csv", encoding: .utf8)
            #expect(
                Self.rows(summary.split(separator: "\n").dropFirst()) == Self.rows(means.split(separator: "\n")[...]))
            let picture = try Data(contentsOf: URL(fileURLWithPath: out + "/results/iris.png"))
            #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))

            #expect(try bench.json("replay", "@last")["verdict"].string == "identical")
            #expect(try bench.json("submit", "iris")["cached"].bool == true)
        }
    }

    /// Species and numbers of each line.
    private static func rows(_ lines: ArraySlice<Substring>) -> [String: [Double]] {
        Dictionary(
            lines.map { line in
                let fields = line.split(separator: ",")
                return (String(fields[0]), fields.dropFirst().compactMap { Double($0) })
            }, uniquingKeysWith: { first, _ in first })
    }
}

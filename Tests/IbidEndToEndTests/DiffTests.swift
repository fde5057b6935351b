import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// Two runs by layers, and a picture that changed as a page shows it.
    @Test func layersAndPicturesOfADifference() throws {
        try Bench.with { bench in
            let program = """
                import os, struct, zlib
                def chunk(name, body):
                    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
                side = int(os.environ["IBID_PARAM_SIDE"])
                rows = b"".join(b"\\0" + bytes((x * y + side * (x > 10)) % 256 for x in range(40)) for y in range(40))
                header = struct.pack(">IIBBBBB", 40, 40, 8, 0, 0, 0, 0)
                png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header)
                open("plot.png", "wb").write(png + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
                with open("plot.png", "r+b") as file:
                    if os.urandom(1)[0] >= 0 and os.environ["MODE"] == "flaky":
                        value = os.urandom(4)
                        rows = rows[:60] + value + rows[64:]
                        file.write(png + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))
                open("\\u00e9" if side == 1 else "e\\u0301", "w").write("one name to the eye, two to a file system")
                open("<b>.txt", "w").write(value.hex() if os.environ["MODE"] == "flaky" else "same")
                """
            let job = "[params]\nside = 1\n[env]\nMODE = \"calm\"\n[inputs.\"d.txt\"]\npath = \"d.txt\"\n"
            try bench.job(program, files: ["job.toml": job, "d.txt": "one"])
            let first = try bench.json("submit", ".")["run"].string ?? ""
            #expect(try bench.json("diff", first, first)["verdict"].string == "identical")
            let package = "/usr/lib/python3/dist-packages/tried-2.dist-info"
            let step = "RUN mkdir -p \(package) \\&\\& echo Name: tried > \(package)/METADATA"
            try bench.sh(
                """
                sed -i s/calm/flaky/ job.toml; echo two > d.txt
                sed -i 's|^COPY|\(step) \\&\\& echo Version: 2 >> \(package)/METADATA\\n&|' Dockerfile
                git commit -qam other
                """)
            let second = try bench.json("submit", ".", "-p", "side=2", "-m", "1GiB")["run"].string ?? ""
            let diff = try bench.json("diff", first, second, status: 4)
            #expect(diff["verdict"].string == "different")
            let changed = diff["layers"].array.filter { $0["same"].bool == false }.compactMap { $0["name"].string }
            #expect(changed == ["code", "recipe", "image", "inputs", "parameters", "environment", "limits"])
            let lines = diff["layers"].array.flatMap { $0["differences"].array.compactMap(\.string) }
            #expect(lines.contains("side: 1 → 2") && lines.contains("MODE: calm → flaky"))
            #expect(lines.contains { $0.hasPrefix("job.toml: ") })
            #expect(lines.contains("package tried (pypi) is new: 2"))
            #expect(lines.contains("file \(package)/METADATA is new"))
            let names = ["\u{e9}", "e\u{301}"].map { Array($0.utf8) }
            let renamed = diff["outputs"].array.filter { names.contains(Array(($0["path"].string ?? "").utf8)) }
            #expect(renamed.map { $0["verdict"].string } == ["different", "different"])
            #expect(try bench.call("diff", first, second).stdout.contains("MODE: calm → flaky"))

            let page = bench.root.appending("page.html").string
            #expect(try bench.call("diff", first, second, "--report", page).status == 4)
            let pair = try String(contentsOfFile: page, encoding: .utf8)
            #expect(pair.contains("MODE: calm → flaky") && pair.contains("difference map") && !pair.contains("<b>"))
            #expect(try bench.call("replay", "@last", "--report", page).status == 4)
            let html = try String(contentsOfFile: page, encoding: .utf8)
            #expect(html.components(separatedBy: "data:image/png;base64,").count == 4)
            #expect(html.contains("difference map") && html.contains("&lt;b&gt;.txt") && !html.contains("<b>"))
        }
    }
}

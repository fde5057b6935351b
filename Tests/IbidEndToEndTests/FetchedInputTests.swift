import SystemPackage
import Testing

extension EndToEndTests {
    /// An input from an address is fetched once, checked, and known by its digest afterwards.
    @Test func inputsAreFetchedByDigest() throws {
        try Bench.with { bench in
            let script = """
                mkdir ../served && printf 'a,b\\n1,2\\n' > ../served/data.csv
                python3 -c '
                import functools, http.server
                h = functools.partial(http.server.SimpleHTTPRequestHandler, directory="../served")
                s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), h)
                print(s.server_address[1], flush=True)
                s.serve_forever()' > ../port 2>/dev/null &
                server=$!
                trap 'kill -9 $server 2>/dev/null || true' EXIT
                for _ in $(seq 100); do [ -s ../port ] && break; sleep 0.05; done
                echo 'print(open("/inputs/data").read(), end="")' > main.py
                job() {
                    printf '[inputs.data]\\nurl = "http://127.0.0.1:%s/%s"\\nsha256 = "%s"\\n' "$(cat ../port)" "$1" "$2" > job.toml
                    git add -A && git commit -qm job
                }
                digest=$(sha256sum < ../served/data.csv | cut -d' ' -f1)
                job data.csv $digest
                \(bench.ibid) submit . 2>/dev/null
                echo other > ../served/other.csv
                job other.csv $(printf x | sha256sum | cut -d' ' -f1)
                \(bench.ibid) submit . 2>&1 || echo "status $?"
                job gone.csv $(printf y | sha256sum | cut -d' ' -f1)
                \(bench.ibid) submit . 2>&1 || echo "status $?"
                kill -9 $server
                job data.csv $digest
                \(bench.ibid) submit . --fresh 2>/dev/null
                """
            let output = try Bench.run(
                ["bash", "-ec", script], in: bench.repository.string, environment: ["IBID_HOME": bench.home.string])
            #expect(output.hasPrefix("a,b\n1,2\n") && output.hasSuffix("a,b\n1,2\n"), "\(output)")
            #expect(output.contains("other.csv has other bytes than promised") && output.contains("status 5"))
            #expect(output.contains("input data: cannot get") && output.contains("gone.csv: there is no such file"))
        }
    }
}

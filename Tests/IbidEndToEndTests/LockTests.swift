import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// Packages from the network, once; then the same image with none, from the bytes alone.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["IBID_TEST_OFFLINE"] == nil, "IBID_TEST_OFFLINE is set"))
    func lockedWithoutANetwork() throws {
        try Bench.with { bench in
            try bench.job(
                "import six; print(six.__version__)",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    WORKDIR /job
                    COPY requirements.txt ./
                    RUN pip install -r requirements.txt
                    COPY . .
                    ENTRYPOINT ["python", "main.py"]
                    """, "requirements.txt": "six==1.16.0\n",
                ])
            #expect(try bench.call("image", "build", "--print-dockerfile").stdout.hasPrefix("FROM python:3.11\n"))
            let locked = try bench.json("lock")
            let file = try String(contentsOfFile: bench.repository.appending("ibid.lock").string, encoding: .utf8)
            #expect(file.contains(#""request":"pypi/six/six-1.16.0-py2.py3-none-any.whl""#))
            try bench.sh("git add -A; git commit -qm lock")
            // A home that has the stored bytes and nothing that was made of them.
            let other = try bench.otherHome("bytes")
            try Bench.run(
                [
                    "sh", "-c",
                    "grep -o 'sha256:[0-9a-f]*' repository/ibid.lock | cut -d: -f2 | sort -u | while read blob; do "
                        + "[ ! -e home/store/blobs/sha256/$blob ] || "
                        + "cp home/store/blobs/sha256/$blob bytes/store/blobs/sha256/; done",
                ], in: bench.root.string)
            let command = "IBID_HOME='\(other.home)' '\(bench.ibid)' submit . --json"
            let run = try shell(
                ["unshare", "-n", "sh", "-c", "ip link 2>/dev/null | grep -q UP && exit 9; \(command)"],
                in: bench.repository.string)
            try #require(run.status == 0, "\(run.stdout)\(run.stderr)")
            #expect(try JSONReader(run.stdout)["image"].string == locked["image"].string)
            #expect(try bench.json("lock")["unchanged"].bool == true)
            // What the lock does not have is named.
            try bench.sh("echo packaging >> requirements.txt; git commit -qam more")
            let refused = try bench.call("image", "build", ".")
            #expect(refused.status == 1)
            #expect(refused.stderr.contains("pip asked for packaging, which the lock does not have"))
        }
    }
}

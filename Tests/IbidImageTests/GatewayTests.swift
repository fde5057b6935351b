import Foundation
@testable import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite("the gateway", .enabled(if: has("python3") && has("curl"), "needs python3 with pip, and curl"))
struct GatewayTests {
    @Test("pip gets packages; everything handed out is in the answers, no secret and no server is")
    func pip() throws {
        try withUpstream { scratch, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            let result = try fixture.pip("alpha", into: scratch.appending("wheels"))
            fixture.stop()
            #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
            let answers = fixture.gateway.answers.requests
            #expect(
                answers.map(\.request) == [
                    "pypi/alpha/alpha-1.0-py3-none-any.whl", "pypi/alpha/alpha-1.0-py3-none-any.whl.metadata",
                    "pypi/beta-gamma/beta_gamma-2.0-py3-none-any.whl",
                ])
            for answer in answers { try store.verify(try #require(answer.sha256)) }
            let record = String(decoding: try CanonicalJSON.encode(answers), as: UTF8.self)
            #expect(!record.contains("s3cret") && !record.contains("ana") && !record.contains("127.0.0.1"))
            let found = try shell(["grep", "-rl", "s3cret-w0rd", store.root.string])
            #expect(found.stdout == "")
        }
    }

    @Test("with a lock it answers without any upstream, and refuses the rest by name")
    func locked() throws {
        try withUpstream { scratch, store, upstream in
            let first = try GatewayFixture(store: store, upstream: upstream)
            _ = try first.pip("alpha<1", into: scratch.appending("first"))
            first.stop()
            let answers = first.gateway.answers
            upstream.stop()

            let second = try GatewayFixture(store: store, upstream: upstream, locked: answers)
            // The index has only what the lock has: "alpha" now means 0.9.
            let again = try second.pip("alpha", into: scratch.appending("second"))
            #expect(again.status == 0, "\(again.stderr)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: scratch.appending("second").string)
                    == ["alpha-0.9-py3-none-any.whl"])
            #expect(second.gateway.complaints == [])
            let other = try second.pip("beta-gamma", into: scratch.appending("third"))
            #expect(other.status != 0)
            second.stop()
            #expect(second.gateway.complaints == ["pip asked for beta-gamma, which the lock does not have"])
        }
    }

    @Test("bytes that are not the promised ones are not handed out")
    func digests() throws {
        try withUpstream { scratch, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            let result = try fixture.pip("bad", into: scratch.appending("wheels"))
            fixture.stop()
            #expect(result.status != 0)
            #expect(fixture.gateway.answers.isEmpty)
            #expect(fixture.gateway.complaints.contains { $0.contains("other bytes than promised") })
        }
    }

    @Test("a blob altered in the store is not handed out")
    func tampered() throws {
        try withUpstream { scratch, store, upstream in
            let first = try GatewayFixture(store: store, upstream: upstream)
            _ = try first.pip("alpha<1", into: scratch.appending("first"))
            first.stop()
            let answers = first.gateway.answers
            let wheel = try #require(answers.requests.first?.sha256)
            let path = store.path(of: wheel).string
            #expect(chmod(path, 0o644) == 0)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let second = try GatewayFixture(store: store, upstream: upstream, locked: answers)
            let again = try second.pip("alpha", into: scratch.appending("second"))
            second.stop()
            #expect(again.status != 0)
            #expect(second.gateway.complaints.contains { $0.contains("has been altered") })
        }
    }

    @Test("Poetry is told of a release, whatever index the host uses, and told the same by the lock alone")
    func release() throws {
        try withUpstream { scratch, store, upstream in
            let agent = "poetry/1.8.3 CPython/3.11.2"
            let first = try GatewayFixture(store: store, upstream: upstream)
            let told = try first.curl("/pypi/Alpha/1/json", "-A", agent)
            let document = try CanonicalJSON.parse(Array(told.stdout.dropLast(4).utf8))
            #expect(document["info"]?["requires_dist"] == ["beta-gamma"])
            #expect(document["info"]?["requires_python"]?.string == ">=3.6")
            let file = try #require(document["urls"]?.array?.first)
            #expect(document["urls"]?.array?.count == 1 && file["packagetype"]?.string == "bdist_wheel")
            let url = try #require(file["url"]?.string)
            #expect(url.hasSuffix("/alpha-1.0-py3-none-any.whl"))
            let path = String(url.dropFirst("https://files.pythonhosted.org".count))
            let sum = try #require(file["digests"]?["sha256"]?.string)
            let wheel = scratch.appending("wheel").string
            _ = try first.curl(path, "-A", agent, "-o", wheel, host: "files.pythonhosted.org")
            #expect(try shell(["sha256sum", wheel]).stdout.hasPrefix(sum))
            // An index without metadata leaves open what is needed; what is not there is not told.
            let open = try first.curl("/pypi/beta-gamma/2.0/json", "-A", agent).stdout
            #expect(open.contains(#""requires_dist":null"#))
            #expect(try first.curl("/pypi/alpha/7/json", "-A", agent).stdout.hasSuffix("404"))
            first.stop()
            upstream.stop()

            let second = try GatewayFixture(store: store, upstream: upstream, locked: first.gateway.answers)
            defer { second.stop() }
            #expect(try second.curl("/pypi/alpha/1/json", "-A", agent).stdout == told.stdout)
            // What was only told of is listed to Poetry, and to nobody else.
            #expect(try second.curl("/simple/beta-gamma/", "-A", agent).stdout.contains("beta_gamma-2.0"))
            #expect(try second.curl("/simple/beta-gamma/").stdout.hasSuffix("404"))
        }
    }

    @Test("a server that is busy for a moment is asked again")
    func flaky() throws {
        try withUpstream { scratch, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            let result = try fixture.pip("flaky", into: scratch.appending("wheels"))
            fixture.stop()
            #expect(result.status == 0, "\(result.stderr)")
            #expect(upstream.requests.filter { $0 == "/simple/flaky/" }.count == 2)
        }
    }

    @Test("both forms of the index, and names that are no projects")
    func indexForms() throws {
        try withUpstream { _, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            defer { fixture.stop() }
            let html = try fixture.curl("/simple/Alpha/")
            #expect(html.stdout.hasSuffix("200"))
            // The public index's lasting addresses, whatever index the host uses.
            let address = "https://files.pythonhosted.org/packages/py3/"
            #expect(html.stdout.contains("href=\"\(address)a/alpha/alpha-1.0-py3-none-any.whl#sha256="))
            #expect(html.stdout.contains("data-requires-python=\"&gt;=3.6\""))
            let json = try fixture.curl("/simple/beta_gamma/", "-H", "Accept: " + IndexPage.jsonType)
            #expect(json.stdout.contains(#""requires-python":">=3.6""#))
            #expect(json.stdout.contains("\(address)b/beta-gamma/beta_gamma-2.0-py3-none-any.whl\""))
            for path in ["/simple/", "/simple/nothing/"] {
                #expect(try fixture.curl(path).stdout.hasSuffix("404"), "\(path)")
            }
            let file = try fixture.curl("/packages/py3/a/alpha/..%2f..%2fetc", host: "files.pythonhosted.org")
            #expect(file.stdout.hasSuffix("000"))
        }
    }

    @Test("apt's canonical archive is the host's mirror; other places are refused and named")
    func archives() throws {
        try withUpstream { _, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            defer { fixture.stop() }
            func get(_ url: String, _ more: String...) throws -> String {
                let agent = more.isEmpty ? [] : ["-A", more[0]]
                return try shell(
                    [
                        "curl", "-s", "-w", "\n%{http_code}", "--noproxy", "", "-x", "http://127.0.0.1:\(fixture.port)",
                        "--cacert", fixture.authority.string, url,
                    ] + agent
                ).stdout
            }
            #expect(try get("http://deb.debian.org/debian/pool/x.deb") == "archive /mirror/d/pool/x.deb\n200")
            #expect(try get("http://security.debian.org/debian-security/y") == "archive /mirror/s/y\n200")
            #expect(try get("http://deb.debian.org/debian/missing").hasSuffix("404"))
            #expect(try get("https://deb.debian.org/debian/pool/x.deb") == "archive /mirror/d/pool/x.deb\n200")
            // A refusal that curl would keep as the file is a connection that ends.
            #expect(try get("http://example.org/data.csv").hasSuffix("000"))
            #expect(try get("http://example.org/data.csv", "Wget/1.21").hasSuffix("403"))
            #expect(try get("https://deb.nodesource.com/x", "Debian APT-HTTP/1.3 (2.6.1)").hasSuffix("000"))
            _ = try get("https://example.org/secret?token=1")
            let refused = fixture.gateway.problems.count
            _ = try get("https://cloud.example.org/src/contrib/PACKAGES.gz", "libcurl/7.88.1")
            let last = try #require(fixture.gateway.problems.dropFirst(refused).first)
            #expect(last.kind == .failed && last.hint?.contains("r-cran-NAME") == true)
            #expect(
                fixture.gateway.answers.requests.map { [$0.request, $0.sha256 == nil ? "absent" : "there"] } == [
                    ["http://deb.debian.org/debian-security/y", "there"],
                    ["http://deb.debian.org/debian/missing", "absent"],
                    ["http://deb.debian.org/debian/pool/x.deb", "there"],
                ])
            let complaints = fixture.gateway.complaints.joined(separator: "\n")
            #expect(complaints.contains("http://example.org/data.csv"))
            #expect(complaints.contains("curl asked for https://example.org:") && !complaints.contains("token"))
            let hints = Set(fixture.gateway.problems.compactMap(\.hint))
            #expect(hints.count == 3 && hints.allSatisfy { $0.contains("ADD --checksum=sha256:") })
        }
    }

    @Test("what is no HTTP ends its own connection only")
    func garbage() throws {
        try withUpstream { _, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            defer { fixture.stop() }
            let long = String(repeating: "x", count: 100_000)
            for text in ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nbroken\r\n\r\n", long]
            {
                _ = try shell(
                    [
                        "python3", "-c",
                        "import socket,sys; s=socket.create_connection(('127.0.0.1', \(fixture.port))); s.settimeout(5)\ntry: s.sendall(sys.stdin.buffer.read()); s.shutdown(1); s.recv(9)\nexcept OSError: pass",
                    ],
                    stdin: Data(text.utf8))
            }
            #expect(try fixture.curl("/simple/alpha/").stdout.hasSuffix("200"))
        }
    }

    @Test("an index that the recipe names is served as it is, locked, and served again from the lock")
    func namedIndex() throws {
        try withUpstream { scratch, store, upstream in
            let index = "http://127.0.0.1:\(upstream.port)/other/simple"
            let first = try GatewayFixture(store: store, upstream: upstream)
            let more = try first.pip("--extra-index-url", index, "alpha", into: scratch.appending("first"))
            #expect(more.status == 0, "\(more.stdout)\(more.stderr)")
            first.stop()
            let wheel = "alpha-3.0+cpu-py3-none-any.whl"
            let named = "\(index)/alpha/alpha-3.0%2Bcpu-py3-none-any.whl"
            #expect(first.gateway.answers.requests.map(\.request).contains(named))
            #expect(first.gateway.problems == [])
            // Without the index, and without the stored bytes but with the index.
            let blob = try #require(first.gateway.answers.requests.first { $0.request == named }?.sha256)
            let other = try Store.open(at: scratch.appending("other"))
            for place in [store, other] {
                let again = try GatewayFixture(store: place, upstream: upstream, locked: first.gateway.answers)
                let into = scratch.appending("again-\(place.root.lastComponent?.string ?? "")")
                let result = try again.pip("--no-deps", "--extra-index-url", index, "alpha", into: into)
                again.stop()
                #expect(result.status == 0, "\(result.stderr)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: into.string) == [wheel])
                try place.verify(blob)
                if place.root == store.root { upstream.forgetRequests() }
            }
            #expect(upstream.requests.contains("/other/cdn/alpha-3.0%2Bcpu-py3-none-any.whl"))
        }
    }

    @Test("what a server breaks off, sends round in circles or refuses is one sentence, and nothing of it is kept")
    func broken() throws {
        try withUpstream { scratch, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            let before = try store.digests().count
            let short = try fixture.pip("short", into: scratch.appending("wheels"))
            #expect(short.status != 0)
            let loop = "http://127.0.0.1:\(upstream.port)/loop/x-1.0.zip"
            #expect(try fixture.curl("", "-A", "pip/23", host: loop).stdout.hasSuffix("504"))
            // Credentials of the step's own are passed on, and stay out of names.
            let secret = "http://127.0.0.1:\(upstream.port)/private/thing-1.0.zip?t=9"
            #expect(try fixture.curl("", "-A", "pip/23", host: secret).stdout.hasSuffix("401"))
            fixture.stop()
            let complaints = fixture.gateway.complaints
            #expect(complaints.contains { $0.contains("/files/short-1.0-py3-none-any.whl: ") }, "\(complaints)")
            #expect(complaints.contains { $0.contains("redirects") }, "\(complaints)")
            #expect(fixture.gateway.answers.requests == [])
            #expect(try store.digests().count == before)
            let open = try GatewayFixture(store: store, upstream: upstream)
            let eve = secret.replacing("t=9", with: "eve").replacing("?eve", with: "")
            #expect(try open.curl("", "-A", "pip/23", "-u", "eve:h1dden", host: eve).stdout == "for eve\n200")
            open.stop()
            #expect(open.gateway.answers.requests.map(\.request) == [eve])

            // Another password than the index wants.
            let index = "http://ana:wr0ng@127.0.0.1:\(upstream.port)/simple"
            let stranger = try GatewayFixture(store: store, upstream: upstream, environment: ["PIP_INDEX_URL": index])
            #expect(try stranger.pip("alpha", into: scratch.appending("none")).status != 0)
            stranger.stop()
            #expect(
                stranger.gateway.complaints == [
                    "http://127.0.0.1:\(upstream.port)/simple/alpha/: status 401; "
                        + "are user and password in this host's pip configuration right?"
                ])
            // Nobody listens at all.
            upstream.stop()
            let gone = try GatewayFixture(store: store, upstream: upstream)
            #expect(try gone.pip("alpha", into: scratch.appending("none")).status != 0)
            gone.stop()
            #expect(gone.gateway.complaints.count == 1 && gone.gateway.problems.first?.kind == .failed)
        }
    }

    @Test("a recipe's own addresses do not lead into the host's networks")
    func privateAddresses() throws {
        try withUpstream { _, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            for host in ["http://localhost:\(upstream.port)", "http://[::ffff:127.0.0.1]:\(upstream.port)"] {
                #expect(try fixture.curl("/other/simple/alpha/", "-A", "pip/23", host: host).stdout.hasSuffix("504"))
            }
            fixture.stop()
            #expect(fixture.gateway.complaints.count == 2)
            #expect(fixture.gateway.complaints.allSatisfy { $0.contains("inside this host's networks") })
            #expect(upstream.requests == [])
        }
    }

    @Test("the host's pip configuration: files, then the environment")
    func configuration() throws {
        try withScratch { scratch in
            let file = scratch.appending("pip.conf")
            try Data(
                """
                [global]
                index-url = https://a.example/simple/
                trusted_host = a.example
                  b.example:8443
                timeout: 7
                [install]
                extra-index-url =
                    https://user:word@b.example/simple
                find-links = ~/wheels https://c.example/list
                """.utf8
            ).write(to: URL(fileURLWithPath: file.string))
            var environment = [
                "PIP_CONFIG_FILE": file.string, "HOME": scratch.string, "XDG_CONFIG_DIRS": "/nonexistent",
            ]
            var found = PipConfiguration.ofHost(environment: environment)
            #expect(found.indexes == ["https://a.example/simple", "https://user:word@b.example/simple"])
            #expect(found.directories == [scratch.appending("wheels")])
            #expect(found.access.trustedHosts == ["a.example", "b.example"])
            #expect(found.access.stallSeconds == 7)
            environment["PIP_INDEX_URL"] = "https://c.example/simple"
            environment["PIP_CERT"] = "/c.pem"
            found = PipConfiguration.ofHost(environment: environment)
            #expect(found.indexes.first == "https://c.example/simple")
            #expect(found.access.authorities == "/c.pem")
            // What only uv knows counts too.
            environment["PIP_INDEX_URL"] = nil
            environment["PIP_CONFIG_FILE"] = "/dev/null"
            environment["UV_DEFAULT_INDEX"] = "corp=https://d.example/simple"
            environment["UV_INDEX_CORP_USERNAME"] = "ana"
            environment["UV_INDEX_CORP_PASSWORD"] = "a/b"
            let uv = scratch.appending("uv.toml")
            try Data("[[index]]\nurl = \"https://e.example/simple\"\n".utf8).write(to: URL(fileURLWithPath: uv.string))
            environment["UV_CONFIG_FILE"] = uv.string
            found = PipConfiguration.ofHost(environment: environment)
            #expect(found.indexes == ["https://ana:a%2Fb@d.example/simple", "https://e.example/simple"])
        }
    }

    @Test("passwords of apt's auth.conf")
    func aptCredentials() throws {
        try withScratch { scratch in
            try Data(
                """
                # no
                machine http://m.example/debian login ana password w0rd
                machine s.example
                  login bob password p@ss
                """.utf8
            ).write(to: URL(fileURLWithPath: scratch.appending("auth.conf").string))
            let credentials = AptCredentials.ofHost(root: scratch)
            #expect(credentials.applied(to: "http://m.example/debian") == "http://ana:w0rd@m.example/debian")
            #expect(credentials.applied(to: "http://m.example/other") == "http://m.example/other")
            #expect(credentials.applied(to: "https://s.example/x") == "https://bob:p%40ss@s.example/x")
            #expect(credentials.applied(to: "http://s.example/x") == "http://s.example/x")
        }
    }

    @Test func addresses() {
        let page = "https://u:p@h.example:8443/simple/x/?q=1"
        #expect(Address.resolve("../../f/x.whl", against: page) == "https://u:p@h.example:8443/f/x.whl")
        #expect(Address.resolve("/f/x.whl", against: page) == "https://u:p@h.example:8443/f/x.whl")
        #expect(Address.resolve("//o.example/x", against: page) == "https://o.example/x")
        #expect(Address.resolve("x.whl", against: page) == "https://u:p@h.example:8443/simple/x/x.whl")
        #expect(Address.host(of: page) == "h.example")
        #expect(Address.withoutSecrets(page) == "https://h.example:8443/simple/x/")
        #expect(Address.withCredentials("https://h.example:8443/f", of: page) == "https://u:p@h.example:8443/f")
        #expect(Address.withCredentials("https://other.example/f", of: page) == "https://other.example/f")
        #expect(Address.decoded("a%2Bb") == "a+b" && Address.decoded("%zz") == nil && Address.decoded("%ff") == nil)
        #expect(Address.encoded("a+b 1.whl") == "a%2Bb%201.whl")
    }
}

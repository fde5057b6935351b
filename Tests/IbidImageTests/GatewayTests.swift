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
            let html = try fixture.curl("/pypi/simple/Alpha/")
            #expect(html.stdout.hasSuffix("200"))
            #expect(html.stdout.contains("href=\"/pypi/files/alpha/alpha-1.0-py3-none-any.whl#sha256="))
            #expect(html.stdout.contains("data-requires-python=\"&gt;=3.6\""))
            let json = try fixture.curl("/pypi/simple/beta_gamma/", "-H", "Accept: " + IndexPage.jsonType)
            #expect(json.stdout.contains(#""requires-python":">=3.6""#))
            #expect(json.stdout.contains(#""url":"/pypi/files/beta-gamma/beta_gamma-2.0-py3-none-any.whl""#))
            for path in [
                "/pypi/simple/", "/pypi/simple/nothing/", "/pypi/files/alpha/..%2f..%2fetc", "/", "/pypi/files/a",
            ] {
                #expect(try fixture.curl(path).stdout.hasSuffix("404"), "\(path)")
            }
        }
    }

    @Test("apt's canonical archive is the host's mirror; other places are refused and named")
    func archives() throws {
        try withUpstream { _, store, upstream in
            let fixture = try GatewayFixture(store: store, upstream: upstream)
            defer { fixture.stop() }
            func get(_ url: String) throws -> String {
                try shell(
                    [
                        "curl", "-s", "-w", "\n%{http_code}", "--noproxy", "", "-x", "http://127.0.0.1:\(fixture.port)",
                        url,
                    ]
                ).stdout
            }
            #expect(try get("http://deb.debian.org/debian/pool/x.deb") == "archive /mirror/d/pool/x.deb\n200")
            #expect(try get("http://security.debian.org/debian-security/y") == "archive /mirror/s/y\n200")
            #expect(try get("http://deb.debian.org/debian/missing").hasSuffix("404"))
            #expect(try get("http://example.org/data.csv").hasSuffix("403"))
            _ = try get("https://example.org/secret?token=1")
            #expect(
                fixture.gateway.answers.requests.map { [$0.request, $0.sha256 == nil ? "absent" : "there"] } == [
                    ["http://deb.debian.org/debian-security/y", "there"],
                    ["http://deb.debian.org/debian/missing", "absent"],
                    ["http://deb.debian.org/debian/pool/x.deb", "there"],
                ])
            let complaints = fixture.gateway.complaints.joined(separator: "\n")
            #expect(complaints.contains("http://example.org/data.csv"))
            #expect(complaints.contains("CONNECT example.org:443") && !complaints.contains("token"))
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
            #expect(try fixture.curl("/pypi/simple/alpha/").stdout.hasSuffix("200"))
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

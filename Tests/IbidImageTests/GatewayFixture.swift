import Foundation
import Glibc
@testable import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage

/// A package index and a Debian mirror on loopback, with a password, that can be told to misbehave.
final class FakeUpstream {
    private let process = Process()
    let port: Int
    let root: FilePath

    init(in scratch: FilePath) throws {
        root = scratch.appending("upstream")
        try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
        let script = root.appending("server.py")
        try Data(Self.server.utf8).write(to: URL(fileURLWithPath: script.string))
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script.string, root.string]
        let out = Pipe()
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: out.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw IbidError("test-setup", "the fake index did not start")
        }
        self.port = port
    }

    func stop() {
        // Not SIGTERM: the child inherits the signal mask of the test's thread, which blocks it.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// What was asked of it, in order.
    var requests: [String] {
        let text = (try? String(contentsOfFile: root.appending("log").string, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    func forgetRequests() { _ = try? FileManager.default.removeItem(atPath: root.appending("log").string) }

    /// Two wheels with metadata, one of them behind a wrong digest; a server error that goes away; a mirror.
    private static let server = #"""
        import base64, hashlib, http.server, io, json, socketserver, sys, threading, zipfile
        root = sys.argv[1]
        def wheel(name, version, requires=()):
            b = io.BytesIO(); z = zipfile.ZipFile(b, "w"); d = f"{name}-{version}.dist-info"
            meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)
            files = {f"{name}.py": f"v = '{version}'\n", f"{d}/METADATA": meta,
                     f"{d}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
            rec = "".join(f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(c.encode()).digest()).rstrip(b'=').decode()},{len(c)}\n" for n, c in files.items())
            files[f"{d}/RECORD"] = rec + f"{d}/RECORD,,\n"
            for n, c in files.items(): z.writestr(zipfile.ZipInfo(n), c)
            z.close(); return b.getvalue(), meta.encode()
        W = {}
        for name, version, requires in [("alpha", "1.0", ["beta-gamma"]), ("alpha", "0.9", []), ("alpha", "3.0+cpu", []), ("beta_gamma", "2.0", []), ("bad", "1.0", []), ("flaky", "1.0", []), ("short", "1.0", [])]:
            W[f"{name}-{version}-py3-none-any.whl"] = wheel(name, version, requires)
        failed = set()
        class H(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *a): pass
            def send(self, status, body, kind="application/octet-stream"):
                self.send_response(status); self.send_header("Content-Type", kind); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
            def do_GET(self):
                with open(root + "/log", "a") as f: f.write(self.path + "\n")
                p = self.path
                if p.startswith("/mirror/"):
                    return self.send(200, b"archive " + p.encode()) if "missing" not in p else self.send(404, b"no")
                # An index that a recipe may name, which has one build of alpha only, somewhere else.
                if p == "/other/simple/alpha/":
                    return self.send(200, b'<a href="../../cdn/alpha-3.0%2Bcpu-py3-none-any.whl">a</a>', "text/html")
                if p.startswith("/other/simple/"): return self.send(403 if "beta" in p else 404, b"no")
                if p == "/other/cdn/alpha-3.0%2Bcpu-py3-none-any.whl": return self.send(200, W["alpha-3.0+cpu-py3-none-any.whl"][0])
                if p.startswith("/loop/"):
                    self.send_response(302); self.send_header("Location", p); self.send_header("Content-Length", "0"); self.end_headers(); return
                if p == "/private/thing-1.0.zip" and self.headers.get("Authorization") == "Basic " + base64.b64encode(b"eve:h1dden").decode():
                    return self.send(200, b"for eve")
                if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ana:s3cret-w0rd").decode():
                    return self.send(401, b"who are you?")
                if p.startswith("/simple/"):
                    project = p.split("/")[2]
                    names = [n for n in W if n.split("-")[0].replace("_", "-") == project and "+" not in n]
                    if not names: return self.send(404, b"no")
                    if project == "alpha" or project == "flaky":
                        if project == "flaky" and p not in failed: failed.add(p); return self.send(503, b"later")
                        files = [{"filename": n, "url": "../../files/" + n, "hashes": {"sha256": hashlib.sha256(W[n][0]).hexdigest()},
                                  "requires-python": ">=3.6", "core-metadata": {"sha256": hashlib.sha256(W[n][1]).hexdigest()}, "yanked": False} for n in names]
                        return self.send(200, json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode(), "application/vnd.pypi.simple.v1+json")
                    digest = lambda n: "0" * 64 if project == "bad" else hashlib.sha256(W[n][0]).hexdigest()
                    return self.send(200, "".join(f'<a href="/files/{n}#sha256={digest(n)}" data-requires-python="&gt;=3.6">{n}</a>\n' for n in names).encode(), "text/html; charset=utf-8")
                n = p.split("/")[-1]; meta = n.endswith(".metadata"); n = n.removesuffix(".metadata")
                if n not in W: return self.send(404, b"no")
                if n.startswith("short"):
                    self.send_response(200); self.send_header("Content-Length", "100000"); self.end_headers(); self.wfile.write(b"x" * 500); self.close_connection = True; return
                self.send(200, W[n][1 if meta else 0])
        class S(socketserver.ThreadingMixIn, http.server.HTTPServer): daemon_threads = True
        s = S(("127.0.0.1", 0), H); print(s.server_address[1], flush=True); s.serve_forever()
        """#
}

/// A gateway that listens in this process.
final class GatewayFixture {
    let gateway: Gateway
    let sources: PackageSources
    let port: Int
    private let listener: Int32
    private let thread: Thread
    /// The file with the gateway's certificate.
    let authority: FilePath

    init(
        store: Store, upstream: FakeUpstream, locked: GatewayAnswers? = nil, environment: [String: String] = [:]
    ) throws {
        let configuration = PipConfiguration.ofHost(
            environment: [
                "PIP_CONFIG_FILE": "/dev/null", "HOME": "/nonexistent",
                "PIP_INDEX_URL": "http://ana:s3cret-w0rd@127.0.0.1:\(upstream.port)/simple/",
            ].merging(environment) { $1 })
        let mirror = "http://127.0.0.1:\(upstream.port)/mirror"
        sources = PackageSources(store: store, python: configuration) {
            DebianAccess(archive: mirror + "/d", security: mirror + "/s")
        }
        gateway = try Gateway(sources: sources, locked: locked)
        authority = upstream.root.appending("ca-\(UUID().uuidString.prefix(8)).pem")
        try Data(gateway.authority.certificate).write(to: URL(fileURLWithPath: authority.string))
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard bound else { throw IbidError("test-setup", "cannot listen") }
        port = Int(UInt16(bigEndian: address.sin_port))
        let served = gateway
        thread = Thread { served.serve(listener) }
        thread.start()
    }

    func stop() {
        gateway.stop()
        sources.stop()
        close(listener)
    }

    /// What curl gets of the public index's pages and files, and the status.
    func curl(_ path: String, _ more: String..., host: String = "pypi.org") throws -> ShellResult {
        let url = host.contains("://") ? host + path : "https://\(host)\(path)"
        return try shell(
            [
                "curl", "-s", "--noproxy", "", "-x", "http://127.0.0.1:\(port)", "--cacert", authority.string, "-w",
                "\n%{http_code}", url,
            ] + more)
    }

    /// What pip, the real one, downloads.
    func pip(_ arguments: String..., into directory: FilePath) throws -> ShellResult {
        try shell(
            [
                "env", "-u", "no_proxy", "-u", "NO_PROXY", "-u", "REQUESTS_CA_BUNDLE",
                "-u", "CURL_CA_BUNDLE", "python3", "-m", "pip", "download", "--no-cache-dir",
                "--dest", directory.string, "--proxy", "http://127.0.0.1:\(port)", "--cert", authority.string,
                "--retries", "0",
            ] + arguments,
            environment: [
                "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            ])
    }
}

/// A store, an upstream and what a test does with them.
func withUpstream<T>(_ name: String = #function, _ body: (FilePath, Store, FakeUpstream) throws -> T) throws -> T {
    try withScratch(name) { scratch in
        let upstream = try FakeUpstream(in: scratch)
        defer { upstream.stop() }
        return try body(scratch, try Store.open(at: scratch.appending("store")), upstream)
    }
}

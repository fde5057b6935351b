import Foundation
import Glibc
public import SystemPackage

/// Debian's docker-registry on loopback, with a certificate of its own authority and a password.
public final class Registry {
    /// `127.0.0.1:PORT`.
    public let host: String
    /// The auth file that a user would have.
    public let authFile: FilePath
    /// A directory with the authority's certificate.
    public let certificates: FilePath
    /// The password in the auth file.
    public static let password = "pa55-of-the-registry"

    private let process = Process()

    /// Why there can be none on this machine; nil when there can.
    public static let obstacle: String? = ["docker-registry", "skopeo", "openssl", "python3"].first { !has($0) }
        .map { "this machine lacks \($0)" }

    /// Starts it, with its files in a directory.
    public init(in directory: FilePath) throws {
        let port = try Self.freePort()
        host = "127.0.0.1:\(port)"
        authFile = directory.appending("auth.json")
        certificates = directory.appending("certificates")
        // bcrypt is all that the registry takes.
        let script = """
            set -eu
            mkdir -p certificates data
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=test authority" \\
                -keyout ca.key -out certificates/ca.crt 2>/dev/null
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=127.0.0.1" \\
                -keyout server.key -out server.csr 2>/dev/null
            echo "subjectAltName=IP:127.0.0.1" > names
            openssl x509 -req -in server.csr -CA certificates/ca.crt -CAkey ca.key -CAcreateserial -days 2 \\
                -out server.crt -extfile names 2>/dev/null
            python3 -W ignore -c '
            import crypt, sys
            hashed = crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
            print("ibid:" + hashed.replace("$2b$", "$2y$"))' \(Self.password) > htpasswd
            printf '{"auths":{"\(host)":{"auth":"%s"}}}' "$(printf 'ibid:\(Self.password)' | base64)" > auth.json
            cat > config.yml <<X
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: $PWD/data}}
            http: {addr: "\(host)", tls: {certificate: $PWD/server.crt, key: $PWD/server.key}}
            auth: {htpasswd: {realm: ibid, path: $PWD/htpasswd}}
            X
            """
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let made = try shell(["bash", "-c", script], in: directory.string)
        guard made.status == 0 else { throw CocoaError(.executableLoad, userInfo: ["reason": made.stderr]) }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["docker-registry", "serve", directory.appending("config.yml").string]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<500 where !Self.accepts(port) { usleep(20_000) }
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    private static func socketAddress(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func withSocket<T>(_ body: (Int32) -> T) -> T {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return body(descriptor)
    }

    private static func accepts(_ port: UInt16) -> Bool {
        withSocket { descriptor in
            var address = socketAddress(port)
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
    }

    private static func freePort() throws -> UInt16 {
        withSocket { descriptor in
            var address = socketAddress(0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    bind(descriptor, pointer, length)
                    getsockname(descriptor, pointer, &length)
                }
                return UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }
}

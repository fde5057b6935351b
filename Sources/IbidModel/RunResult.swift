/// How a run ended.
public enum RunStatus: String, Hashable, Sendable, Codable {
    /// The command exited 0.
    case succeeded
    /// The command exited otherwise.
    case failed
    /// A limit, a signal or the user ended it.
    case killed
    /// Ibid did not start it.
    case refused
}

/// What a run gave: nothing in it depends on when or where it ran, so equal behaviour has an equal digest.
public struct RunResult: Hashable, Sendable, Codable {
    /// The version of this record's form.
    public static let currentSchema = "ibid.run-result.v1"

    /// Always `currentSchema`.
    public var schema: String
    /// How it ended.
    public var status: RunStatus
    /// The command's exit status; nil when it was killed or refused.
    public var exitCode: Int?
    /// Why it was killed or refused, such as `memory limit 64 MiB`; nil otherwise.
    public var reason: String?
    /// Outputs, sorted by path.
    public var outputs: [RunOutput]
    /// What it wrote to stdout.
    public var stdout: Digest
    /// What it wrote to stderr.
    public var stderr: Digest

    /// Makes a result of the current form.
    public init(
        status: RunStatus, exitCode: Int?, reason: String? = nil, outputs: [RunOutput], stdout: Digest, stderr: Digest
    ) {
        schema = Self.currentSchema
        self.status = status
        self.exitCode = exitCode
        self.reason = reason
        self.outputs = outputs
        self.stdout = stdout
        self.stderr = stderr
    }
}

extension RunResult {
    /// The canonical bytes, as `CanonicalJSON.encode` gives them, without a tree of values of all outputs: there may be
    /// hundreds of thousands.
    public var canonicalBytes: [UInt8] {
        var members: [String: JSONValue] = [
            "schema": .string(schema), "status": .string(status.rawValue), "stdout": .string(stdout.description),
            "stderr": .string(stderr.description),
        ]
        members["exitCode"] = exitCode.map { .int(Int64($0)) }
        members["reason"] = reason.map { .string($0) }
        return CanonicalJSON.bytes(members, with: "outputs", of: outputs.lazy.map(\.json))
    }
}

/// One file that a run left.
public struct RunOutput: Hashable, Sendable, Codable {
    /// What kind of file it is.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// A regular file; the blob is its content.
        case file
        /// A symbolic link; the blob is its target, which nobody followed.
        case symlink
    }

    /// The path relative to the working directory, or `/outputs/…` for what lies there. Bytes that are not UTF-8, a
    /// backslash and control characters are written `\xNN`.
    public var path: String
    /// File or link.
    public var kind: Kind
    /// The content's digest.
    public var digest: Digest
    /// The content's length in bytes.
    public var size: Int64
    /// Whether its owner may execute it.
    public var executable: Bool

    /// Makes an output.
    public init(path: String, kind: Kind, digest: Digest, size: Int64, executable: Bool) {
        self.path = path
        self.kind = kind
        self.digest = digest
        self.size = size
        self.executable = executable
    }
}

/// What was measured of one run, and where it ran: facts that belong to the run and not to its result.
public struct RunMeasurement: Hashable, Sendable, Codable {
    /// When the command started.
    public var startedAt: Timestamp
    /// When it had ended and its outputs were stored.
    public var finishedAt: Timestamp
    /// Wall time of the command, in microseconds.
    public var wallMicroseconds: Int64
    /// Processor time of all its processes, in microseconds.
    public var cpuMicroseconds: Int64
    /// Largest memory of all its processes together, in bytes; nil where the kernel does not tell.
    public var peakMemoryBytes: Int64?
    /// Facts of the host that can change bits: CPU model and flags, kernel, isolation level, runtime version.
    public var host: [String: String]
    /// What was left out of the outputs and why (`path` → `named pipe`).
    public var refusedOutputs: [String: String]
    /// Bytes that its processes had a disk write; nil where the kernel does not tell.
    public var writtenBytes: Int64?
    /// Limits that it ran against without being ended, such as `process limit 64`.
    public var limitsReached: [String]
    /// What the strict profile's library cost; nil for other profiles, and where the run kept it from counting.
    public var strictCost: StrictCost?

    /// Calls that the strict profile answers in the kernel's place, and what they took.
    public struct StrictCost: Hashable, Sendable, Codable {
        /// Looks at clocks.
        public var clock: Int64
        /// Draws of random bytes.
        public var random: Int64
        /// Looks at times of files.
        public var files: Int64
        /// Listed directories.
        public var directories: Int64
        /// Time inside these calls, the kernel's part included: the profile costs at most that. Every sixteenth call is
        /// timed.
        public var microseconds: Int64

        /// Makes a cost.
        public init(clock: Int64, random: Int64, files: Int64, directories: Int64, microseconds: Int64) {
            self.clock = clock
            self.random = random
            self.files = files
            self.directories = directories
            self.microseconds = microseconds
        }
    }

    /// Makes a measurement.
    public init(
        startedAt: Timestamp, finishedAt: Timestamp, wallMicroseconds: Int64, cpuMicroseconds: Int64,
        peakMemoryBytes: Int64?, host: [String: String], refusedOutputs: [String: String] = [:],
        writtenBytes: Int64? = nil, limitsReached: [String] = [], strictCost: StrictCost? = nil
    ) {
        self.strictCost = strictCost
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.wallMicroseconds = wallMicroseconds
        self.cpuMicroseconds = cpuMicroseconds
        self.peakMemoryBytes = peakMemoryBytes
        self.host = host
        self.refusedOutputs = refusedOutputs
        self.writtenBytes = writtenBytes
        self.limitsReached = limitsReached
    }
}

extension RunOutput {
    fileprivate var json: JSONValue {
        [
            "path": .string(path), "kind": .string(kind.rawValue), "digest": .string(digest.description),
            "size": .int(size), "executable": .bool(executable),
        ]
    }

    /// The path's bytes, with each `\xNN` turned back into the byte it stands for; nil when an escape means nothing.
    public var rawPath: [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            let text = String(decoding: rest.dropFirst().prefix(2), as: UTF8.self)
            guard rest.first == UInt8(ascii: "x"), let value = Hex.decode(text)?.first else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}

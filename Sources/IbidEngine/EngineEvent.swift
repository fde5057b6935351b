public import IbidModel

/// What the engine tells while it works; a terminal shows it, a log keeps it, nothing depends on it.
public enum EngineEvent: Sendable {
    /// The source is in the store.
    case snapshot(SourceSnapshot)
    /// A step of making a base image, in words.
    case base(String)
    /// A build step begins.
    case stepStarted(index: Int, count: Int, instruction: String)
    /// A build step prints.
    case stepOutput([UInt8])
    /// A build step fetches something from outside: so many bytes came for the step so far.
    case stepFetching(name: String, totalBytes: Int64)
    /// A build step's command has ended; this is done with what it left.
    case stepAfterwards(String)
    /// A build step ended: the bytes of its layer, and of what it asked package indexes for.
    case stepFinished(index: Int, count: Int, step: ImageBuild.Step, layerBytes: Int64, fetchedBytes: Int64)
    /// The second build of a verification begins.
    case verifying(String)
    /// Both builds of a step were compared; the step has its verdict.
    case stepVerified(index: Int, count: Int, step: ImageBuild.Step)
    /// The image is in the store.
    case image(ImageBuild)
    /// The command starts.
    case runStarted(RunID, command: [String])
    /// The run listens behind a published port, and may be used so long.
    case listening(PublishedPort, wallSeconds: Int64)
    /// The command wrote to stdout.
    case stdout([UInt8])
    /// The command wrote to stderr.
    case stderr([UInt8])
    /// The outcome is in the ledger.
    case runFinished(RunReport)
    /// One of the runs that look for a cause, in words.
    case probe(String)
    /// Something that the user should know and that stops nothing.
    case warning(String)
}

/// Where events go.
public typealias EventSink = @Sendable (EngineEvent) -> Void

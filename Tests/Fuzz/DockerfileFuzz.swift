import IbidModel

/// One input as a Dockerfile, an ignore file, a pattern, a mount, an address: whatever it is, the answer is a value or
/// an error, and comes soon.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDockerfile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let file = try? Dockerfile.parse(bytes, file: "Dockerfile") {
        let lexer = ShellLexer(escape: file.escape) { ["a": "value", "b": "", "path": "/x/y.tar.gz"][$0] }
        for step in file.globalArguments + file.stages.flatMap(\.steps) {
            _ = try? lexer.word(step.text)
            _ = try? lexer.words(step.text)
            switch step.instruction {
            case .onBuild(let text): _ = try? Dockerfile.parseTrigger(text, place: step.place)
            case .copy(let copy), .add(let copy):
                for source in copy.sources where RemoteSource.isAddress(source) {
                    _ = (try? RemoteSource(source, checksum: copy.checksum, keepsGit: false)).map {
                        ($0.name, $0.fileName)
                    }
                }
                _ = copy.mode.flatMap { FileMode($0) }?.applied(to: 0o644, isDirectory: false)
                _ = copy.hereDocuments.map(\.text)
            case .run(let run):
                for mount in run.mounts { _ = try? StepMount(mount) { "/" + $0 } }
            default: break
            }
        }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let rules = try? IgnoreRules(text: text) {
        for path in ["a", "a/b/c.txt", "node_modules/x"] { _ = rules.excludes(path) }
    }
    _ = PathPattern(text, crossing: false)?.matches("some/path.txt")
    _ = FileMode(text)?.applied(to: 0o755, isDirectory: true)
    _ = StopSignal.isKnown(text)
    return 0
}

import IbidImage

/// Turns the builder's events into the engine's; it numbers the ends as it numbered the starts.
final class BuildEvents {
    private let sink: EventSink
    private var (number, count) = (0, 0)

    init(_ sink: @escaping EventSink) { self.sink = sink }

    func send(_ event: ImageBuildEvent) {
        switch event {
        case .base(let text): sink(.base(text))
        case .stepStarted(let number, let count, let instruction):
            (self.number, self.count) = (number, count)
            sink(.stepStarted(index: number, count: count, instruction: instruction))
        case .output(let bytes): sink(.stepOutput(bytes))
        case .fetching(let name, let totalBytes): sink(.stepFetching(name: name, totalBytes: totalBytes))
        case .afterwards(let text): sink(.stepAfterwards(text))
        case .stepFinished(let step, let layerBytes, let fetchedBytes):
            sink(
                .stepFinished(
                    index: number, count: count, step: step, layerBytes: layerBytes, fetchedBytes: fetchedBytes))
        case .verifying(let text): sink(.verifying(text))
        case .stepVerified(let step, let number, let count):
            sink(.stepVerified(index: number, count: count, step: step))
        case .warning(let text): sink(.warning(text))
        }
    }
}

import Synchronization

/// What a step is expected to ask for, and the pip that asks, as soon as it is known.
final class PipExpectation: Sendable {
    let requirements: [PipInstallation.Requirement]
    private let known = Latch()
    private let state = Mutex<(client: PipClient?, isOver: Bool)>((nil, false))
    private let pages = Mutex(0)
    private let files = Mutex(0)

    init(_ installation: PipInstallation) {
        // Nobody writes so many by hand; what is not expected is got when it is asked for.
        requirements = Array(Set(installation.requirements).prefix(300))
    }

    /// Says which pip asks.
    func announce(_ client: PipClient) {
        state.withLock { $0.client = $0.client ?? client }
        known.open()
    }

    /// The step is over: nothing is expected any more.
    func end() {
        state.withLock { $0.isOver = true }
        known.open()
    }

    /// Whether the step is over.
    var isOver: @Sendable () -> Bool { { [self] in state.withLock { $0.isOver } } }

    /// Waits for a pip to ask for something; nil when the step is over.
    func client() -> PipClient? {
        known.wait()
        return state.withLock { $0.isOver ? nil : $0.client }
    }

    /// The next requirement whose project's page nobody has taken on.
    func nextPage() -> PipInstallation.Requirement? { next(pages) }

    /// The next requirement whose file nobody has taken on.
    func nextFile() -> PipInstallation.Requirement? { next(files) }

    private func next(_ counter: borrowing Mutex<Int>) -> PipInstallation.Requirement? {
        let index = counter.withLock { count -> Int in
            defer { count += 1 }
            return count
        }
        return index < requirements.count && !isOver() ? requirements[index] : nil
    }
}

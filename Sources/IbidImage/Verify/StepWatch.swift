import CLinux
import Glibc
import IbidModel
import SystemPackage

/// What one build of a verification saw of its steps. Used by the building thread.
///
/// The second build has the first as its reference: after each step it goes on from what the first had, so that a step
/// is blamed for its own differences alone.
final class StepWatch {
    /// One step.
    struct Seen {
        /// What a `RUN` step left, before anything was done to it; nil for other steps.
        var raw: TreePrint?
        /// Its layer.
        var layer: OCI.Descriptor?
        /// Seconds since 1970, from its beginning to its end.
        var time: ClosedRange<Int64>
    }

    private(set) var steps: [Seen] = []
    private let reference: StepWatch?
    private var raw: TreePrint?
    private var started: Int64 = 0

    init(reference: StepWatch? = nil) { self.reference = reference }

    /// A step begins.
    func begin() {
        raw = nil
        // Two builds within one second would write the same time.
        if let earlier = reference?.seen(steps.count) {
            while Self.now < earlier.time.upperBound + 2 { usleep(50_000) }
        }
        started = Self.now
    }

    /// A `RUN` step's command has ended.
    func look(at upper: FilePath) throws { raw = try TreePrint(of: upper) }

    /// A step is done.
    ///
    /// - Returns: the layer to go on from.
    func finish(_ layer: OCI.Descriptor?) -> OCI.Descriptor? {
        steps.append(Seen(raw: raw, layer: layer, time: started...max(started, Self.now)))
        guard let earlier = reference?.seen(steps.count - 1) else { return layer }
        return earlier.layer
    }

    private func seen(_ index: Int) -> Seen? { steps.indices.contains(index) ? steps[index] : nil }

    private static var now: Int64 { cl_realtime_microseconds() / 1_000_000 }
}

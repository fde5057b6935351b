import IbidLayer
import IbidModel
import IbidStore

/// What a collection removed, or would remove.
public struct CollectionReport: Hashable, Sendable {
    /// A number of things and the disk they take, in bytes.
    public struct Part: Hashable, Sendable {
        /// How many.
        public var count = 0
        /// How much.
        public var bytes: Int64 = 0
    }

    /// Whether it was removed.
    public var removed: Bool
    /// Blobs that nothing names.
    public var blobs = Part()
    /// Unpacked layers that are not of a named image.
    public var layers = Part()
    /// Records of build steps whose layers nothing names.
    public var steps = Part()
    /// What killed processes left.
    public var temporary = Part()
    /// Blobs that stay.
    public var kept = Part()

    /// What it comes to, in bytes.
    public var bytes: Int64 { blobs.bytes + layers.bytes + steps.bytes + temporary.bytes }
}

extension Engine {
    /// Finds what nothing needs, and removes it if told to.
    ///
    /// Whatever an entry of the ledger, a name of the index, or the lock of a base or of a named image's build names
    /// stays. A crash in the middle leaves a home that works: records go before the layers and blobs that they name.
    ///
    /// - Parameters:
    ///   - remove: whether to remove it; without that it is only counted.
    ///   - all: also what can be made again: every unpacked layer, every step's record, cloned repositories.
    /// - Throws: `home-busy` when something is to be removed while another process works in this home.
    public func collect(remove: Bool, all: Bool) throws -> CollectionReport {
        let collector = Collector(engine: self, all: all)
        guard remove else { return try report(try collector.find(), removed: false) }
        return try lease.alone {
            let garbage = try collector.find()
            let report = try report(garbage, removed: true)
            for path in garbage.records + garbage.temporary { try removeTree(path) }
            for layer in garbage.layers { try layers.remove(layer) }
            for blob in garbage.blobs { try store.remove(blob) }
            try store.flush()
            return report
        }
    }

    private func report(_ garbage: Collector.Garbage, removed: Bool) throws -> CollectionReport {
        func part<T>(_ things: some Collection<T>, _ size: (T) throws -> Int64) throws -> CollectionReport.Part {
            CollectionReport.Part(count: things.count, bytes: try things.reduce(0) { try $0 + size($1) })
        }
        var report = CollectionReport(removed: removed)
        report.blobs = try part(garbage.blobs) { try store.size(of: $0) }
        report.layers = try part(garbage.layers) { try layers.diskBytes(of: $0) }
        report.steps = try part(garbage.records) { try diskBytes(below: $0) }
        report.temporary = try part(garbage.temporary) { try diskBytes(below: $0) }
        report.kept = try part(garbage.kept) { try store.size(of: $0) }
        return report
    }
}

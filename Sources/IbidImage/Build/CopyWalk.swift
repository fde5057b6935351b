import IbidLayer

/// Collects what of a tree is copied, by the rules of BuildKit's copier: a directory that does not count itself is
/// copied when something below it does.
struct CopyWalk {
    let source: any CopySource
    /// What is left out (`--exclude`).
    let excluded: IgnoreRules
    /// What alone is taken (`--parents`); nil for everything.
    let included: IgnoreRules?

    /// The names that the first directories must have, when `included` begins with names: nothing else is looked at.
    var leadingNames: [[UInt8]] = []

    private(set) var items: [CopyPlan.Item] = []
    /// Directories on the way that have not been taken yet.
    private var pending: [CopyPlan.Item] = []

    init(source: any CopySource, excluded: IgnoreRules, included: IgnoreRules? = nil) {
        self.source = source
        self.excluded = excluded
        self.included = included
    }

    /// - Parameter target: the path relative to where the walk began.
    mutating func walk(_ path: [UInt8], _ node: CopyNode, target: [UInt8]) throws {
        if case .special = node.kind { return }
        var counts = included == nil || target.isEmpty
        var isExcluded = false
        if !target.isEmpty {
            let text = String(decoding: target, as: UTF8.self)
            isExcluded = excluded.excludes(text)
            // The rules' word for a match is that they exclude.
            counts = !isExcluded && (included?.excludes(text) ?? true)
        }
        if isExcluded, !node.isDirectory || !excluded.takesBack { return }
        var content = CopyPlan.Content.none
        if case .file = node.kind { content = .source(source, path: path) }
        let item = CopyPlan.Item(target: target, node: node, content: content)
        if counts, included == nil || !target.isEmpty {
            items += pending
            pending = []
            items.append(item)
        }
        guard node.isDirectory else { return }
        let isPending = !counts
        if isPending { pending.append(item) }
        let depth = target.split(separator: UInt8(ascii: "/")).count
        for name in depth < leadingNames.count ? [leadingNames[depth]] : try source.names(in: path) {
            guard let child = try source.node(path.child(name)) else { continue }
            try walk(path.child(name), child, target: target.child(name))
        }
        if isPending, pending.last?.target == target { pending.removeLast() }
    }
}

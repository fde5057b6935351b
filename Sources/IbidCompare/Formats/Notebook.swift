import FoundationEssentials

/// Jupyter notebooks (nbformat 4): what their cells put out, without what changes on every execution.
enum Notebook {
    /// Keys that say how and when cells were executed, or that nbformat makes up at random.
    private static let volatile: Set<String> = ["execution_count", "execution", "id", "metadata"]

    /// Compares sources and outputs of two notebooks.
    static func compare(_ old: JSONNode, _ new: JSONNode, _ tolerance: Tolerance) throws(Unreadable) -> Tally {
        guard let before = old["cells"]?.array, let after = new["cells"]?.array else {
            throw Unreadable(reason: "it has no cells")
        }
        var tally = Tally(tolerance)
        if before.count != after.count { tally.structure("\(before.count) cells, now \(after.count)") }
        for (index, (old, new)) in zip(before, after).enumerated() {
            walk(old, new, at: "cell \(index + 1)", &tally)
        }
        return tally
    }

    private static func walk(_ old: JSONNode, _ new: JSONNode, at path: String, _ tally: inout Tally) {
        switch (old, new) {
        case (.object(let before), .object(let after)):
            let keys = Set(before.map(\.key)).union(after.map(\.key)).subtracting(volatile)
            for key in keys.sorted() {
                let place = path + (key == "outputs" ? ", output" : " \(Tally.clip(key, 40))")
                guard let left = old[key], let right = new[key] else {
                    tally.structure("\(place) is \(old[key] == nil ? "new" : "gone")")
                    continue
                }
                if key == "image/png", let left = picture(left), let right = picture(right) {
                    pictures(left, right, at: place, &tally)
                } else if let left = text(left), let right = text(right) {
                    tally.prose(left, right, group: place, at: place)
                } else {
                    walk(left, right, at: place, &tally)
                }
            }
        case (.array(let before), .array(let after)):
            if before.count != after.count {
                tally.structure("\(path) has \(before.count) parts, now \(after.count)")
            }
            for (index, (old, new)) in zip(before, after).enumerated() {
                walk(old, new, at: "\(path) \(index + 1)", &tally)
            }
        default: tally.nodes(old, new, at: path)
        }
    }

    // A text is one string, or its lines in an array.
    private static func text(_ node: JSONNode) -> String? {
        if let text = node.string { return text }
        guard let items = node.array, !items.isEmpty else { return nil }
        let lines = items.compactMap(\.string)
        return lines.count == items.count ? lines.joined() : nil
    }

    private static func picture(_ node: JSONNode) -> Picture? {
        guard let text = text(node), let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
            return nil
        }
        return try? Picture(png: Array(data))
    }

    private static func pictures(_ old: Picture, _ new: Picture, at place: String, _ tally: inout Tally) {
        let difference = PictureDifference(old, new, threshold: 0)
        if let problem = difference.problem {
            tally.structure("\(place): \(problem)")
        } else if difference.changed > 0 {
            tally.structure("\(place): \(difference.summary)")
        }
    }
}

import IbidLayer
import IbidModel

/// Finds what the source arguments of `COPY` and `ADD` name.
struct CopyFinder {
    let source: any CopySource
    /// What the source is called in messages.
    let place: String
    let excluded: IgnoreRules

    /// Adds what a path names, wildcards included (Go's `filepath.Match`: `**` is no more than `*`).
    ///
    /// - Returns: false when it has wildcards and nothing matches, which is no error.
    /// - Throws: `CopyProblem` for a path that does not exist.
    func add(_ text: String, to plan: inout CopyPlan) throws -> Bool {
        let (paths, isWild) = try matches(text)
        if paths.isEmpty {
            guard isWild else { throw missing(text) }
            return false
        }
        for path in paths {
            // What a literal path names may be a link; a directory's own name is of no interest.
            try plan.add(path, of: source, name: path.lastName, excluding: excluded)
        }
        return true
    }

    /// Adds what a path names under its path from the root, or from the pivot `/./` (`--parents`). Here `**` stands for
    /// any number of directories.
    func addWithParents(_ text: String, to plan: inout CopyPlan) throws -> Bool {
        var (start, pattern) = ("", text)
        if let pivot = text.firstRange(of: "/./") {
            (start, pattern) = (String(text[..<pivot.lowerBound]), String(text[pivot.upperBound...]))
        }
        pattern = pattern.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        guard !pattern.split(separator: "/").contains("..") else {
            throw CopyProblem(problem: "'\(text)' has '..', which --parents cannot keep")
        }
        let (directories, isWild) = try matches(start)
        var found = false
        for directory in directories {
            do {
                found =
                    try plan.add(
                        matching: pattern.isEmpty ? "**" : pattern, below: directory, of: source, excluding: excluded)
                    || found
            } catch let error as PatternError {
                throw CopyProblem(problem: "'\(error.text)' is no pattern")
            }
        }
        if !found, !isWild, PathPattern(pattern)?.isLiteral ?? false { throw missing(text) }
        return found
    }

    /// The paths that a text with wildcards names, in order.
    private func matches(_ text: String) throws -> (paths: [[UInt8]], isWild: Bool) {
        var found: [[UInt8]] = [[]]
        var isWild = false
        for component in text.split(separator: "/") where component != "." {
            guard let pattern = PathPattern(String(component), crossing: false) else {
                throw CopyProblem(
                    problem: "'\(text)' is no pattern",
                    hint: "brackets have to be closed, and a backslash escapes what follows it")
            }
            if let name = pattern.literal {
                // A leading `..` stays inside, as in a file system's root.
                found = found.map { $0.child(Array(name.utf8)) }
                continue
            }
            isWild = true
            found = try found.flatMap { path -> [[UInt8]] in
                let (real, node) = try source.resolve(path)
                guard node?.isDirectory ?? false else { return [] }
                return try source.names(in: real).filter { pattern.matches(String(decoding: $0, as: UTF8.self)) }
                    .map { real.child($0) }
            }
            if found.isEmpty { break }
        }
        return (try found.filter { try source.resolve($0).node != nil }, isWild)
    }

    private func missing(_ text: String) -> CopyProblem {
        CopyProblem(
            problem: "'\(text)' is not in \(place)",
            hint: place == "the source tree"
                ? "only committed files of the job's directory count, without what .dockerignore leaves out; a Dockerfile of "
                    + "a larger directory is built there: ibid submit DIRECTORY -f PATH/Dockerfile"
                : "the path is looked up in that image's root")
    }
}

import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Finds the local repository of a submodule.
enum Submodule {
    /// The repository of the submodule at a path, which has the commit that its parent records.
    ///
    /// - Throws: an error that names the submodule when no local repository has the commit.
    static func repository(
        at path: [UInt8], in parent: GitRepository, commit parentCommit: GitObjectID?, needing commit: GitObjectID,
        shownAs shown: [UInt8]
    ) throws -> GitRepository {
        for (place, opening) in places(of: path, in: parent, commit: parentCommit) {
            var status = stat()
            guard stat(place.string, &status) == 0 else { continue }
            let repository: GitRepository
            do {
                repository = try GitRepository(at: place, opening)
            } catch let failure as GitFailure where failure.isNotFound {
                continue  // a directory that was never initialised
            } catch let failure as GitFailure {
                throw IbidError.unusableRepository(failure, at: place)
            }
            if repository.objects.contains(commit) { return repository }
        }
        throw IbidError.submoduleMissing(shown, commit)
    }

    /// Where git puts it: its working directory's own, or `modules/<name>` of the parent (also when not checked out).
    private static func places(
        of path: [UInt8], in parent: GitRepository, commit: GitObjectID?
    ) -> [(FilePath, GitRepository.Opening)] {
        var places: [(FilePath, GitRepository.Opening)] = []
        let relative = String(decoding: path, as: UTF8.self)
        if let workingDirectory = parent.workingDirectory, Array(relative.utf8) == path {
            places.append((workingDirectory.appending(relative), .exactly))
        }
        if let name = name(of: path, in: parent, commit: commit) {
            places.append((parent.commonDirectory.appending("modules").appending(name), .withoutWorkingTree))
        }
        return places
    }

    /// The name that `.gitmodules` gives the submodule at a path. Names that lead elsewhere are not followed.
    private static func name(of path: [UInt8], in parent: GitRepository, commit: GitObjectID?) -> String? {
        let text: [UInt8]
        if let commit {
            guard let bytes = try? parent.objects.read(commit).bytes, let root = treeOfCommit(bytes),
                let tree = try? parent.objects.read(root).withBytes({ GitTree($0) }),
                let entry = tree.entry(named: Array(".gitmodules".utf8)),
                let blob = try? parent.objects.read(entry.id)
            else { return nil }
            text = blob.bytes
        } else {
            guard let file = parent.workingDirectory?.appending(".gitmodules"), let bytes = try? readIfPresent(file)
            else {
                return nil
            }
            text = bytes
        }
        guard let name = names(in: text)[path] else { return nil }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } ? nil : name
    }

    /// `[submodule "name"]` and `path = …` of a `.gitmodules` file; the rest of git's syntax does not occur there.
    static func names(in text: [UInt8]) -> [[UInt8]: String] {
        var names: [[UInt8]: String] = [:]
        var name: String?
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.hasPrefix("[") {
                let parts = trimmed.split(separator: "\"", omittingEmptySubsequences: false)
                name = trimmed.hasPrefix("[submodule \"") && parts.count == 3 ? String(parts[1]) : nil
            } else if let name, trimmed.hasPrefix("path"), let equals = trimmed.firstIndex(of: "=") {
                guard trimmed[..<equals].dropFirst(4).allSatisfy(\.isWhitespace) else { continue }
                var value = trimmed[equals...].dropFirst().drop { $0.isWhitespace }
                while value.last?.isWhitespace == true { value.removeLast() }
                if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
                names[Array(value.utf8)] = name
            }
        }
        return names
    }
}

import IbidLedger
import IbidMerkle
import IbidModel
import IbidStore
public import SystemPackage

extension Engine {
    /// Writes the ledger's log as C2SP tlog-tiles into a directory: digests, signatures and public keys, no names.
    ///
    /// The checkpoint comes last, so whoever reads the directory meanwhile finds every tile that it needs.
    ///
    /// - Returns: the number of files, and where the checkpoint is.
    public func writeTiles(to directory: FilePath) throws -> (files: Int, anchor: AnchorReport) {
        var files = 0
        var made: Set<FilePath> = []
        let root = Home(directory).root
        let checkpoint = try ledger.forEachTile { path, bytes in
            let file = root.appending(path)
            let parent = file.removingLastComponent()
            if made.insert(parent).inserted { try makeDirectories(parent) }
            try writeAtomically(bytes, to: file, durable: path == "checkpoint")
            files += 1
        }
        let place = root.appending("checkpoint").string
        return (
            files,
            AnchorReport(origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.digest, place: place)
        )
    }
}

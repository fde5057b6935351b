import ArgumentParser
import IbidEngine
import IbidModel

/// `ibid base`.
struct Base: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "The images that FROM can name.", subcommands: [BaseList.self, BaseAdd.self])
}

/// `ibid base ls`.
struct BaseList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the names that FROM can use, built-in ones included.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let bases = try common.engine().baseImages()
        if common.json {
            return Terminal.out(
                JSONDocument.array(
                    bases.map {
                        .object([
                            ("name", .string($0.name)), ("origin", .string($0.origin)),
                            ("pulledFrom", .text($0.pulledFrom)), ("image", .text($0.digest)),
                        ])
                    }
                ).text)
        }
        var table = Table("NAME", "ORIGIN", "IMAGE")
        for base in bases { table.add(base.name, base.origin, base.digest.map { Formatting.short($0) } ?? "-") }
        Terminal.out(table.text)
    }
}

/// `ibid base add`.
struct BaseAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an image that FROM can name.",
        discussion: """
            Examples:
              ibid base add python:3.12 --from docker://docker.io/library/python:3.12
              ibid base add lab/r --from oci:r-layout:4.3
              docker save my-base -o my-base.tar && ibid base add my-base --from docker-archive:my-base.tar
              ibid base add debian:sid --from rootfs.tar.zst
            """)

    @Argument(help: "The name that FROM will use.")
    var name: String
    @Option(
        help: """
            docker://HOST/REPO:TAG, oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:NAME], dir:DIR (skopeo's,
            or a root filesystem), or a tar of a root filesystem, packed or not.
            """, completion: .file())
    var from: String
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let base = try withProgress(json: common.json) {
            try common.engine().addBase(name, from: from, registry: registry.access, events: $0)
        }
        if common.json {
            return Terminal.out(
                JSONDocument.object([
                    ("name", .string(base.name)), ("origin", .string(base.origin)),
                    ("pulledFrom", .text(base.pulledFrom)), ("image", .text(base.digest)),
                ]).text)
        }
        Terminal.out("\(base.digest.map { "\($0)" } ?? "")\n")
    }
}

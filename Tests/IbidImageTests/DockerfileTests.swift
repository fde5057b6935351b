@testable import IbidImage
import IbidModel
import Testing

private func parse(_ text: String) throws -> Dockerfile { try Dockerfile.parse(Array(text.utf8), file: "Dockerfile") }

private func steps(_ text: String) throws -> [Dockerfile.Step] {
    try #require(try parse("FROM scratch\n" + text).stages.first).steps
}

private func instruction(_ text: String) throws -> Instruction { try #require(try steps(text).first).instruction }

@Suite("Dockerfiles")
struct DockerfileTests {
    @Test func continuationsCommentsAndBlankLinesJoin() throws {
        let found = try steps("RUN a && \\\n  # a comment\n\n  b && \\  \n c\nUSER x\n")
        #expect(found.count == 2)
        #expect(found[0].text == "RUN a &&   b &&  c")
        #expect(found[0].place.line == 2)
        #expect(found[1].place.line == 7)
    }

    @Test func anEscapedEscapeCharacterDoesNotContinue() throws {
        let found = try steps("RUN echo \\\\\nUSER x\n")
        #expect(found.map(\.text) == ["RUN echo \\\\", "USER x"])
    }

    @Test func windowsLineEndsAndByteOrderMark() throws {
        let file = try parse("\u{FEFF}FROM scratch\r\nRUN a \\\r\n b\r\n")
        #expect(file.stages[0].steps[0].text == "RUN a  b")
    }

    @Test func escapeDirective() throws {
        let file = try parse("# escape=`\n# syntax=docker/dockerfile:1\nFROM scratch\nRUN a `\n b\nENV p=C:\\dir\n")
        #expect(file.escape == "`")
        #expect(file.stages[0].steps.map(\.text) == ["RUN a  b", "ENV p=C:\\dir"])
    }

    @Test func aDirectiveAfterACommentIsAComment() throws {
        let file = try parse("# hello\n# escape=`\nFROM scratch\nRUN a \\\n b\n")
        #expect(file.escape == "\\")
        #expect(file.stages[0].steps[0].text == "RUN a  b")
    }

    @Test func stagesAndGlobalArguments() throws {
        let file = try parse(
            "ARG V=3.11 W\nFROM --platform=linux/amd64 python:${V} AS Build\nRUN x\nFROM build\nFROM scratch as last\n")
        #expect(file.globalArguments.count == 1)
        #expect(file.stages.map(\.base) == ["python:${V}", "build", "scratch"])
        #expect(file.stages.map(\.name) == ["build", nil, "last"])
        #expect(file.stages[0].platform == "linux/amd64")
        #expect(file.stage(named: "BUILD") == 0)
        #expect(file.stage(named: "2") == 2)
        #expect(file.stage(named: "3") == nil)
    }

    @Test func environmentForms() throws {
        #expect(
            try instruction(#"ENV a=1 b="x y" c=x\ y d='$z' e="#)
                == .env([
                    NameValue(name: "a", value: "1"), NameValue(name: "b", value: #""x y""#),
                    NameValue(name: "c", value: #"x\ y"#), NameValue(name: "d", value: "'$z'"),
                    NameValue(name: "e", value: ""),
                ]))
        #expect(
            try instruction("ENV greeting hello  \"big\" world")
                == .env([NameValue(name: "greeting", value: "hello  \"big\" world")]))
    }

    @Test func commandForms() throws {
        #expect(try instruction(#"CMD ["a", "b c"]"#) == .cmd(.exec(["a", "b c"])))
        #expect(try instruction(#"CMD ["a", 'b']"#) == .cmd(.shell(#"["a", 'b']"#)))
        #expect(try instruction("ENTRYPOINT top -b") == .entrypoint(.shell("top -b")))
        #expect(try instruction(#"ENTRYPOINT []"#) == .entrypoint(.exec([])))
        #expect(try instruction(#"SHELL ["/bin/bash", "-c"]"#) == .shell(["/bin/bash", "-c"]))
        #expect(try instruction("cmd echo --help") == .cmd(.shell("echo --help")))
        #expect(try instruction(#"RUN [ -f x ] && y"#).command == .shell("[ -f x ] && y"))
    }

    @Test func copyFlags() throws {
        guard
            case .copy(let copy) = try instruction(
                "COPY --from=build --chown=1:2 --chmod=755 --link --exclude=*.o --exclude=b a b/ c/")
        else { throw IbidError("test", "not a copy") }
        #expect(copy.sources == ["a", "b/"])
        #expect(copy.destination == "c/")
        #expect(copy.from == "build" && copy.owner == "1:2" && copy.mode == "755")
        #expect(copy.link)
        #expect(copy.excludes == ["*.o", "b"])
    }

    @Test func copyInJSONKeepsSpaces() throws {
        guard case .copy(let copy) = try instruction(#"COPY ["a b", "c d/"]"#) else {
            throw IbidError("test", "not a copy")
        }
        #expect(copy.sources == ["a b"])
        #expect(copy.destination == "c d/")
    }

    @Test func hereDocuments() throws {
        let found = try steps(
            "RUN <<EOF\necho 1\n# kept\nEOF\nCOPY <<a.txt <<-'b' /x/\nA $v\na.txt\n\tB\n\tb\nUSER x\n")
        #expect(found.count == 3)
        guard case .run(let run) = found[0].instruction, case .copy(let copy) = found[1].instruction else {
            throw IbidError("test", "not what it should be")
        }
        #expect(run.hereDocuments.map(\.content) == ["echo 1\n# kept\n"])
        #expect(copy.hereDocuments.map(\.name) == ["a.txt", "b"])
        #expect(copy.hereDocuments.map(\.text) == ["A $v\n", "B\n"])
        #expect(copy.hereDocuments.map(\.expands) == [true, false])
        #expect(copy.sources == [])
        #expect(found[2].place.line == 11)
    }

    @Test func delimitersOfHereDocuments() throws {
        let samples: [(line: String, name: String, expands: Bool)] = [
            ("RUN cat << EOF", "EOF", true), ("RUN cat <<'EOF'", "EOF", false), ("RUN cat <<E\"O\"F", "EOF", false),
            ("RUN cat 3<<EOF", "EOF", true), ("RUN cat <<-EOF && x", "EOF", true), ("RUN cat <<E\\OF", "EOF", true),
        ]
        for sample in samples {
            let found = try steps(sample.line + "\nx\nEOF\nUSER y\n")
            guard found.count == 2, case .run(let run) = found[0].instruction else {
                Issue.record("\(sample.line)")
                continue
            }
            #expect(run.hereDocuments.map(\.name) == [sample.name] && run.hereDocuments[0].expands == sample.expands)
        }
        // Carriage returns belong to the content, not to the delimiter.
        guard case .run(let run) = try instruction("RUN <<EOF\r\na\r\nEOF\r\n") else { throw IbidError("test", "") }
        #expect(run.hereDocuments.map(\.content) == ["a\r\n"])
        #expect(try instruction("ONBUILD RUN <<EOF\na\nEOF\n") == .onBuild("RUN <<EOF\na\nEOF"))
        #expect(try steps("RUN [\"cat\", \"<<EOF\"]\nUSER x\n").count == 2)
    }

    @Test func flagsLoseTheirQuotesAndKeepTheirVariables() throws {
        guard
            case .copy(let copy) = try instruction(
                #"COPY --chown="${U:-a b}":'g' --exclude="a b" --chmod=${M} a b"#)
        else { throw IbidError("test", "not a copy") }
        #expect(copy.owner == "${U:-a b}:g" && copy.excludes == ["a b"] && copy.mode == "${M}")
        guard case .run(let run) = try instruction(#"RUN --mount=type=bind,target=/a\ b -- --x"#) else {
            throw IbidError("test", "not a run")
        }
        #expect(run.mounts[0].options == ["target": "/a b"] && run.command == .shell("--x"))
    }

    @Test func ofStagesWithOneNameTheLastBeforeCounts() throws {
        let file = try parse("FROM a AS x\nFROM b AS x\nFROM x\nFROM c AS x\n")
        #expect(file.stage(named: "x", before: 2) == 1)
        #expect(file.stage(named: "x") == 3)
    }

    @Test func aShiftIsNoHereDocument() throws {
        #expect(try steps("RUN echo $((1 << 2))\nRUN cat <<<word\nUSER x\n").count == 3)
    }

    @Test func healthcheckFlags() throws {
        guard
            case .healthcheck(let check) = try instruction(
                "HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=3 CMD curl -f http://localhost")
        else { throw IbidError("test", "not a health check") }
        #expect(check.interval == 90_000_000_000)
        #expect(check.timeout == 1_500_000_000)
        #expect(check.retries == 3)
        #expect(check.command == .shell("curl -f http://localhost"))
        #expect(try instruction("HEALTHCHECK none") == .healthcheck(HealthcheckInstruction()))
    }

    @Test func runMounts() throws {
        guard
            case .run(let run) = try instruction(
                "RUN --mount=type=cache,dst=/c,sharing=locked --mount=target=/s,from=x --network=none pip install .")
        else { throw IbidError("test", "not a run") }
        #expect(run.mounts.map(\.type) == ["cache", "bind"])
        #expect(run.mounts[0].options == ["target": "/c", "sharing": "locked"])
        #expect(run.network == "none")
        #expect(run.command == .shell("pip install ."))
    }

    @Test func theRest() throws {
        #expect(try instruction("EXPOSE 80 443/tcp $p") == .expose(["80", "443/tcp", "$p"]))
        #expect(try instruction("VOLUME [\"/a\", \"/b c\"]") == .volume(["/a", "/b c"]))
        #expect(try instruction("VOLUME /a /b") == .volume(["/a", "/b"]))
        #expect(try instruction("STOPSIGNAL 9") == .stopSignal("9"))
        #expect(try instruction("WORKDIR /a b") == .workdir("/a b"))
        #expect(try instruction("ONBUILD run  make") == .onBuild("run  make"))
        #expect(try instruction("MAINTAINER A <a@b>") == .maintainer("A <a@b>"))
        #expect(
            try instruction("ARG a b=1 c=\"x y\"")
                == .arg([
                    ArgumentDeclaration(name: "a"), ArgumentDeclaration(name: "b", value: "1"),
                    ArgumentDeclaration(name: "c", value: "\"x y\""),
                ]))
    }

    static let malformed: [(text: String, line: Int, problem: String)] = [
        ("", 1, "no FROM"),
        ("# only a comment\n", 1, "no FROM"),
        ("RUN x\n", 1, "no build stage"),
        ("\n\nCOPY a b\nFROM x\n", 3, "no build stage"),
        ("FROM\n", 1, "needs a base"),
        ("FROM a b\n", 1, "takes a base"),
        ("FROM a AS\n", 1, "takes a base"),
        ("FROM a AS 1x\n", 1, "no stage name"),
        ("FROM --arch=x a\n", 1, "unknown flag '--arch'"),
        ("FROM --platform a\n", 1, "needs a value"),
        ("FROM --platform=a --platform=b a\n", 1, "given twice"),
        ("FROM a\nRUNN x\n", 2, "unknown instruction 'RUNN'"),
        ("FROM a\n\u{1F600}\n", 2, "unknown instruction"),
        ("FROM a\nRUN\n", 2, "needs a command"),
        ("FROM a\nRUN []\n", 2, "needs a command"),
        ("FROM a\nRUN --mount x\n", 2, "needs a value"),
        ("FROM a\nRUN --mount=type=magic,target=/x y\n", 2, "no type 'magic'"),
        ("FROM a\nRUN --mount=type=cache y\n", 2, "needs a target"),
        ("FROM a\nRUN --mount=colour=red y\n", 2, "no option 'colour'"),
        ("FROM a\nRUN --mount=type=tmpfs,target=/x,mode=700 y\n", 2, "has no option 'mode'"),
        ("FROM a\nRUN --mount=type=secret y\n", 2, "needs an id"),
        ("FROM a\nRUN --mount=type=secret,id=x,src=y z\n", 2, "not both"),
        ("FROM a\nRUN --mount=target y\n", 2, "'target' needs a value"),
        ("FROM a\nRUN --mount=from=$x,target=/x y\n", 2, "cannot hold a variable"),
        ("FROM a\nRUN --security=none y\n", 2, "sandbox or insecure"),
        ("FROM a\nRUN --network=moon y\n", 2, "default, none or host"),
        ("FROM a\nRUN --insecure y\n", 2, "unknown flag"),
        ("FROM a\nRUN <<EOF\necho\n", 2, "does not end"),
        ("FROM a\nCOPY a\n", 2, "needs at least one source"),
        ("FROM a\nCOPY\n", 2, "needs at least one source"),
        ("FROM a\nCOPY a <<E\nx\nE\n", 2, "cannot be COPY's destination"),
        ("FROM a\nCOPY <<../E /\nx\n../E\n", 2, "cannot name the file"),
        ("FROM a\nCOPY [\"a\", [\"b\"]]\n", 2, "other than strings"),
        ("FROM a\nCMD [\"a\", 1.5]\n", 2, "other than strings"),
        ("FROM a\nCMD [null]\n", 2, "other than strings"),
        ("FROM a\nCMD --x\n", 2, "unknown flag '--x'"),
        ("FROM a\nCOPY [\"a\", \"\"]\n", 2, "destination is empty"),
        ("FROM a\nCOPY [\"\", \"b\"]\n", 2, "source of COPY is empty"),
        ("FROM a\nCOPY --form=x a b\n", 2, "unknown flag '--form'"),
        ("FROM a\nCOPY --link=maybe a b\n", 2, "true or false"),
        ("FROM a\nCOPY --checksum=x a b\n", 2, "unknown flag '--checksum'"),
        ("FROM a\nADD --from=x a b\n", 2, "unknown flag '--from'"),
        ("FROM a\nENV\n", 2, "needs a name"),
        ("FROM a\nENV a\n", 2, "has no value"),
        ("FROM a\nENV a=1 b\n", 2, "'b' has no '='"),
        ("FROM a\nENV =1\n", 2, "no name"),
        ("FROM a\nLABEL a=1 b c=2\n", 2, "'b' has no '='"),
        ("FROM a\nARG\n", 2, "needs a name"),
        ("FROM a\nARG =1\n", 2, "without a name"),
        ("FROM a\nEXPOSE\n", 2, "needs a port"),
        ("FROM a\nVOLUME []\n", 2, "needs a path"),
        ("FROM a\nWORKDIR\n", 2, "needs a directory"),
        ("FROM a\nUSER\n", 2, "needs a user"),
        ("FROM a\nSTOPSIGNAL a b\n", 2, "only one"),
        ("FROM a\nSHELL /bin/sh -c\n", 2, "needs the JSON form"),
        ("FROM a\nSHELL []\n", 2, "needs the JSON form"),
        ("FROM a\nCMD\n", 2, "needs a command"),
        ("FROM a\nHEALTHCHECK\n", 2, "followed by NONE or CMD"),
        ("FROM a\nHEALTHCHECK NONE x\n", 2, "takes no arguments"),
        ("FROM a\nHEALTHCHECK --interval=soon CMD x\n", 2, "a duration"),
        ("FROM a\nHEALTHCHECK --interval=1us CMD x\n", 2, "at least 1ms"),
        ("FROM a\nHEALTHCHECK --interval=99999999999999h CMD x\n", 2, "a duration"),
        ("FROM a\nHEALTHCHECK --retries=-1 CMD x\n", 2, "a count"),
        ("FROM a\nHEALTHCHECK CMD\n", 2, "needs a command"),
        ("FROM a\nONBUILD\n", 2, "needs an instruction"),
        ("FROM a\nONBUILD FROM b\n", 2, "cannot be an ONBUILD"),
        ("FROM a\nONBUILD ONBUILD RUN x\n", 2, "cannot be an ONBUILD"),
        ("FROM a\nONBUILD COPY x\n", 2, "needs at least one source"),
        ("# escape=x\nFROM a\n", 1, "must be \\ or `"),
        ("# escape=`\n# escape=`\nFROM a\n", 2, "given twice"),
        ("FROM a\nRUN \0\n", 2, "NUL"),
    ]

    @Test(arguments: malformed.indices)
    func malformedInputIsOneErrorWithItsLine(_ index: Int) throws {
        let sample = Self.malformed[index]
        let error = #expect(throws: IbidError.self) { try parse(sample.text) }
        let message = try #require(error).message
        #expect(message.hasPrefix("Dockerfile:\(sample.line): "), "\(message)")
        #expect(message.contains(sample.problem), "\(message)")
        #expect(!message.contains("\n"))
    }

    @Test func bytesThatAreNotText() {
        #expect(throws: IbidError.self) { try Dockerfile.parse([0x46, 0xff, 0xfe], file: "Dockerfile") }
        #expect(throws: IbidError.self) {
            try Dockerfile.parse([UInt8](repeating: 0x20, count: 5 << 20), file: "Dockerfile")
        }
    }

    @Test("whatever is cut off or doubled, the parser answers")
    func mutations() {
        let seed = Array(
            """
            # escape=\\
            ARG V=1
            FROM --platform=$P a:${V:-2} AS b
            COPY --from=b --chown="x y" ["a", "b"]
            RUN <<-'E' cat <<F \\
              && true
            \tx
            \tE
            f
            F
            ENV a="b c" d=e\\ f g='h'
            HEALTHCHECK --interval=1m CMD ["x"]
            """.utf8)
        var answered = 0
        for length in 0...seed.count {
            _ = try? Dockerfile.parse(Array(seed.prefix(length)), file: "Dockerfile")
            for byte in [0x22, 0x5c, 0x24, 0x3c, 0x0a, 0x5b, 0x80] as [UInt8] where length < seed.count {
                var changed = seed
                changed[length] = byte
                _ = try? Dockerfile.parse(changed, file: "Dockerfile")
                answered += 1
            }
        }
        #expect(answered == seed.count * 7)
    }
}

extension Instruction {
    /// The command of a RUN.
    fileprivate var command: CommandForm? {
        if case .run(let run) = self { run.command } else { nil }
    }
}

import IbidJob
import IbidModel
import Testing

@Suite struct JobFileTests {
    @Test func emptyFileHasEveryDefault() throws {
        #expect(try JobFile.parse("", file: "job.toml") == JobSpec())
        #expect(try JobFile.parse("# nothing\r\n", file: "job.toml").limits == .standard)
    }

    @Test func everyKey() throws {
        let job = try JobFile.parse(
            #"""
            name = "iris"
            command = ["python", "iris.py", "--rows", "{rows}", "{{literal}}"]
            outputs = ["results/**", "/outputs/*.png"]
            determinism = "strict"

            [params]
            rows = 5
            rate = 1.5
            small = 1e-9
            big = 1e22
            two = 2.0
            hex = 0x10
            negative = -3
            fast = true
            title = "a b\t\u00e9"

            [inputs."iris.csv"]
            path = "./data/iris.csv"
            sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            [inputs.remote]
            url = "https://example.org/a?b=c"

            [env]
            OMP_NUM_THREADS = 1
            MODE = "x=y"

            [limits]
            memory = "1.5GiB"
            cpus = 0.5
            pids = 10
            wall = "1h30m"
            output = 1000
            files = 7
            open-files = 64

            [compare]
            "z/*.csv" = { rule = "numeric", rtol = 1e-9, atol = 0 }
            "a/*.log" = "ignore"
            "*.txt" = { rule = "text", drop = '^# .*' }
            """#, file: "job.toml")
        #expect(job.name == "iris")
        #expect(job.command == ["python", "iris.py", "--rows", "{rows}", "{{literal}}"])
        #expect(job.outputs == ["results/**", "/outputs/*.png"])
        #expect(job.determinism == .strict)
        #expect(
            job.params == [
                "rows": "5", "rate": "1.5", "small": "1e-9", "big": "1e22", "two": "2.0", "hex": "16",
                "negative": "-3", "fast": "true", "title": "a b\té",
            ])
        let empty = Digest(hex: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            job.inputs == [
                "iris.csv": JobSpec.Input(origin: .path("data/iris.csv"), sha256: empty),
                "remote": JobSpec.Input(origin: .url("https://example.org/a?b=c")),
            ])
        #expect(job.environment == ["OMP_NUM_THREADS": "1", "MODE": "x=y"])
        #expect(
            job.limits
                == Limits(
                    memoryBytes: 1_610_612_736, cpuMillis: 500, pids: 10, wallSeconds: 5_400, outputBytes: 1_000,
                    outputFiles: 7, openFiles: 64))
        #expect(
            job.compare == [
                CompareRule(pattern: "z/*.csv", kind: .numeric, settings: ["rtol": "1e-9", "atol": "0"]),
                CompareRule(pattern: "a/*.log", kind: .ignore),
                CompareRule(pattern: "*.txt", kind: .text, settings: ["drop": "^# .*"]),
            ])
        let command = try Placeholders.substitute(job.command ?? [], params: job.params)
        #expect(command == ["python", "iris.py", "--rows", "5", "{literal}"])
    }

    struct Malformed: CustomTestStringConvertible, Sendable {
        let text: String
        let line: Int
        let says: [String]
        var testDescription: String { String(text.prefix(80)) }

        init(_ text: String, _ line: Int, _ says: String...) {
            (self.text, self.line, self.says) = (text, line, says)
        }
    }

    @Test(arguments: [
        Malformed("name = \"a\"\nnaem = 1\n", 2, "unknown key 'naem'", "did you mean 'name'?"),
        Malformed("\n\n[limits]\nmemmory = \"1GiB\"\n", 4, "'memmory' in [limits]", "did you mean 'memory'?"),
        Malformed("[limit]\n", 1, "unknown key 'limit'", "did you mean 'limits'?"),
        Malformed("zzz = 1\n", 1, "unknown key 'zzz'", "known here: name, command"),
        Malformed("limits.cpu = 1\n", 1, "unknown key 'cpu' in [limits]", "did you mean 'cpus'?"),
        Malformed("limits = { memory = \"1GiB\", walls = 1 }\n", 1, "'walls'", "did you mean 'wall'?"),
        Malformed("# c\nname = 5\n", 2, "'name' is an integer, expected a string"),
        Malformed("name = \"\"\n", 1, "'name'"),
        Malformed("name = \"a/b\"\n", 1, "'name'"),
        Malformed("command = \"python main.py\"\n", 1, "'command' is a string, expected an array of strings"),
        Malformed("command = []\n", 1, "'command' is empty"),
        Malformed("command = [\n  \"a\",\n  5,\n]\n", 3, "item 2 of 'command' is an integer"),
        Malformed("command = [\"a\",\n\"{rows}\"]\n", 2, "the parameter 'rows', which the job does not have"),
        Malformed(
            "command = [\"{rwos}\"]\n[params]\nrows = 1\n", 1, "the parameter 'rwos'", "did you mean 'rows'?"),
        Malformed("command = [\"a{\"]\n", 1, "single '{'", "write '{{'"),
        Malformed("command = [\"a}\"]\n", 1, "single '}'"),
        Malformed("command = [\"{a b}\"]\n", 1, "single '{'"),
        Malformed("outputs = \"x\"\n", 1, "expected an array of patterns"),
        Malformed("outputs = [\n\"a\",\n\"../b\"]\n", 3, "the pattern '../b' has a component"),
        Malformed("outputs = [\"[a\"]\n", 1, "has no closing ']'"),
        Malformed("outputs = [\"/etc/*\"]\n", 1, "is absolute"),
        Malformed("determinism = \"stict\"\n", 1, "expected 'none', 'default', 'strict'"),
        Malformed("[determinism]\ncpu = \"v9\"\n", 2, "'cpu' in [determinism] is 'v9', expected 'native'"),
        Malformed("determinism = 1\n", 1, "'determinism' is an integer"),
        Malformed("params = 5\n", 1, "'params' is an integer, expected a table ([params])"),
        Malformed("[params]\nwhen = 2026-01-01\n", 2, "'when' in [params] is a date", "put it in quotes"),
        Malformed("[params]\nlist = [1]\n", 2, "'list' in [params] is an array, expected a string, number or boolean"),
        Malformed("[params]\nx = nan\n", 2, "not finite"),
        Malformed("[params]\n\"a b\" = 1\n", 2, "'a b' in [params] cannot be a parameter's name"),
        Malformed("[inputs.a]\n", 1, "'a' in [inputs] says nothing", "a 'path' or a 'url'"),
        Malformed("[inputs.a]\npath = \"x\"\nurl = \"http://h/\"\n", 3, "stands beside 'path'"),
        Malformed("[inputs.a]\npath = \"/etc/passwd\"\n", 2, "expected a path below the job's directory"),
        Malformed("[inputs.a]\npath = \"a/../../b\"\n", 2, "expected a path below the job's directory"),
        Malformed("[inputs.a]\nurl = \"ftp://x/y\"\n", 2, "expected an http or https address"),
        Malformed("[inputs.a]\nurl = \"https://user:pw@host/y\"\n", 2, "would end up in every record"),
        Malformed("[inputs.a]\npath = \"x\"\nsha256 = \"abc\"\n", 3, "expected 64 lower-case hex", "sha256sum"),
        Malformed("[inputs.a]\npath = \"x\"\nsha526 = \"abc\"\n", 3, "did you mean 'sha256'?"),
        Malformed("[inputs.\"a/b\"]\npath = \"x\"\n", 1, "cannot be an input's name"),
        Malformed("[inputs]\na = \"x\"\n", 2, "'a' in [inputs] is a string, expected a table ([inputs.a])"),
        Malformed("[env]\n\"A=B\" = 1\n", 2, "cannot be a variable's name"),
        Malformed("[env]\nA = [1]\n", 2, "expected a string, number or boolean"),
        Malformed("[limits]\nmemory = \"2X\"\n", 2, "'2X' is not a size", "'2GiB'"),
        Malformed("[limits]\nmemory = \"2gib\"\n", 2, "did you mean '2GiB'?"),
        Malformed("[limits]\nmemory = \"lots\"\n", 2, "'lots' is not a size"),
        Malformed("[limits]\nmemory = true\n", 2, "is a boolean, expected a size"),
        Malformed("[limits]\nmemory = 0\n", 2, "expected 1 or more"),
        Malformed("[limits]\nmemory = \"99999999999TiB\"\n", 2, "is not a size"),
        Malformed("[limits]\ncpus = \"2\"\n", 2, "is a string, expected a number"),
        Malformed("[limits]\ncpus = 0\n", 2, "expected 0.01 to 4096"),
        Malformed("[limits]\npids = 1.5\n", 2, "is a number, expected a whole number"),
        Malformed("[limits]\nwall = \"10\"\n", 2, "'10' is not a duration", "'1h30m'"),
        Malformed("[limits]\nwall = \"5m1h\"\n", 2, "is not a duration"),
        Malformed("[limits]\nwall = \"0s\"\n", 2, "expected 1 second or more"),
        Malformed("[compare]\n\"a\" = { rule = \"numerc\" }\n", 2, "did you mean 'numeric'?"),
        Malformed("[compare]\n\"a\" = { rtol = 1 }\n", 2, "'a' in [compare] has no 'rule'"),
        Malformed("[compare.\"a\"]\nrule = \"bytes\"\nrtol = 1\n", 3, "unknown key 'rtol'"),
        Malformed("[compare]\n\"a\" = { rule = \"numeric\", rtol = -1 }\n", 2, "is negative"),
        Malformed("[compare]\n\"a\" = 5\n", 2, "expected a rule such as"),
        Malformed("[compare]\n\"{a,b}\" = \"ignore\"\n", 2, "has a brace"),
        Malformed("a = \n", 1, "column"),
        Malformed("name = \"a\"\nname = \"b\"\n", 2, "cannot redefine"),
        Malformed("name = \"x\"\n[params]\na = \"\\u0000\"\n", 3, "NUL"),
        Malformed("a = " + String(repeating: "[", count: 200_000), 1, "nest"),
        Malformed("name = \"x\"\n# \0\n", 2, "NUL"),
        Malformed("x = \"\"\"\nlong\nstring\"\"\"\nname = 1\n", 1, "unknown key 'x'"),
        Malformed("command = [\"\"\"a\n\n\"\"\", '''\n''']\nnmae = 1\n", 5, "did you mean 'name'?"),
    ])
    func refusedWithItsPlace(file: Malformed) {
        let error = #expect(throws: IbidError.self) { try JobFile.parse(file.text, file: "jobs/x/job.toml") }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("jobs/x/job.toml:\(file.line): "), "\(text)")
        for part in file.says { #expect(text.contains(part), "\(text)") }
    }

    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("512B", 512), ("1kB", 1_000), ("1KiB", 1_024), ("2GiB", 2 << 30), ("2g", 2 << 30),
            ("512M", 512 << 20),
            ("1.5 MiB", 1_572_864),
            ("0.5kB", 500), ("10GB", 10_000_000_000), ("1TiB", 1 << 40),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) throws {
        #expect(try Quantity.parseSize(text) == bytes)
    }

    @Test(arguments: [
        "", "GiB", "1.3B", "1..2kB", "-1", "+1", "1 GiB ", "1  GiB", "١GiB", "9223372036854775808", "1e3",
    ])
    func malformedSizes(text: String) {
        #expect(throws: IbidError.self) { try Quantity.parseSize(text) }
    }

    @Test(arguments: [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("2d", 172_800), ("1d2h3m4s", 93_784)])
    func durations(text: String, seconds: Int64) throws {
        #expect(try Quantity.parseDuration(text) == seconds)
    }

    @Test(arguments: ["", "10", "m", "1s1m", "1m1m", "1.5h", "500ms", "-1s", "9999999999999999d", "1 m"])
    func malformedDurations(text: String) {
        #expect(throws: IbidError.self) { try Quantity.parseDuration(text) }
    }

    @Test func substitutionKeepsArguments() throws {
        let filled = try Placeholders.substitute(
            ["a", "{x}-{y}{x}", "{{}}", "{x.y_z-1}"], params: ["x": "one two", "y": "{y}", "x.y_z-1": "é"])
        #expect(filled == ["a", "one two-{y}one two", "{}", "é"])
    }

    @Test func parametersOfTheUser() throws {
        let job = try JobFile.parse("[params]\nrows = 5\n", file: "job.toml")
        #expect(try job.setting(params: ["rows": "7"]).params == ["rows": "7"])
        let error = #expect(throws: IbidError.self) { try job.setting(params: ["row": "7"]) }
        #expect(error?.code == "unknown-parameter")
        #expect(error?.hint == "did you mean 'rows'?")
    }
}

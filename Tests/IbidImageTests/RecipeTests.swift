import Foundation
import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import Testing

@Suite("recipes without a Dockerfile")
struct RecipeTests {
    private static let uv = "RUN --mount=type=bind,from=uv,source=/uv,target=/tmp/uv /tmp/uv/bin/uv "

    struct Case: CustomTestStringConvertible {
        var name: String
        var files: [String: String]
        /// Lines that the Dockerfile has, in this order.
        var lines: [String]
        var testDescription: String { name }
    }

    private static let cases = [
        Case(
            name: "pylock",
            files: ["pylock.toml": "lock-version = \"1.0\"\n", "main.py": "", "apt.txt": "jq libgomp1=12.2\n# no\n"],
            lines: [
                "FROM python:3.11 AS uv", "RUN pip install --target /uv uv==0.13.9", "FROM python:3.11",
                "WORKDIR /work",
                "RUN apt-get update && apt-get install -y --no-install-recommends jq libgomp1=12.2 "
                    + "&& rm -rf /var/lib/apt/lists/*", "COPY pylock.toml ./",
                uv + "pip install --system -r pylock.toml", "COPY . .", #"CMD ["python", "main.py"]"#,
            ]),
        Case(
            name: "uv with a member and a package",
            files: [
                "uv.lock": "[[package]]\nname = \"a\"\nsource = { editable = \"packages/a\" }\n"
                    + "[[package]]\nname = \"x\"\nsource = { editable = \".\" }\n",
                "packages/a/pyproject.toml": "", ".python-version": "3.11.9\n",
                "pyproject.toml": "[project]\nname='x'\n[project.scripts]\nanalyse='x:main'\n[build-system]\n",
            ],
            lines: [
                "FROM python:3.11", "COPY pyproject.toml uv.lock ./", "COPY packages/a/pyproject.toml packages/a/",
                uv + "sync --frozen --no-dev --python 3.11 --no-install-local", "COPY . .",
                uv + "sync --frozen --no-dev --python 3.11 --no-editable", #"CMD ["analyse"]"#,
            ]),
        Case(
            name: "requirements with includes, hashes and a local package",
            files: [
                "requirements.txt": """
                -r requirements/base.txt  # more
                -crequirements/pins.txt
                ./libs/own
                six==1.16.0 \\
                  --hash=sha256:00
                """, "requirements/base.txt": "-r deep.txt\n", "requirements/deep.txt": "",
                "requirements/pins.txt": "", "libs/own/setup.py": "", "a b.py": "",
            ],
            lines: [
                "COPY requirements.txt ./",
                "COPY requirements/base.txt requirements/pins.txt requirements/deep.txt requirements/",
                "COPY libs/own libs/own/", "RUN pip install --require-hashes -r requirements.txt", "COPY . .",
                #"CMD ["python", "a b.py"]"#,
            ]),
        Case(
            name: "an editable source comes first", files: ["requirements.txt": "-e .[all]\n", "setup.py": ""],
            lines: ["COPY . .", "RUN pip install -r requirements.txt"]),
        Case(
            name: "a project",
            files: [
                "pyproject.toml": """
                [project]
                name = "x"
                requires-python = ">=3.12,<3.14"
                dependencies = ["numpy>=1; python_version >= '3.9'", "six"]
                [build-system]
                requires = ["hatchling"]
                """, "x/__main__.py": "",
            ],
            lines: [
                "FROM python:3.13", "COPY <<\"EOF\" /opt/requirements.txt", "numpy>=1; python_version >= '3.9'", "six",
                "EOF", "RUN pip install -r /opt/requirements.txt", "COPY . .", "RUN pip install .",
                #"CMD ["python", "-m", "x"]"#,
            ]),
        Case(
            name: "conda",
            files: [
                "environment.yml": """
                name: x
                channels: [conda-forge, "nodefaults"]
                dependencies:
                  - python=3.11
                  - conda-forge::numpy=1.26   # fuzzy
                  - pandas 2.1.*
                  - pytorch>=2.0,<3
                  - matplotlib-base==3.8.0=py311_0
                  - openssl
                  - pip:
                    - six==1.16.0
                    - -r more.txt
                variables:
                  MODE: "full"
                """, "more.txt": "idna\n", "main.py": "",
            ],
            lines: [
                "ENV MODE=\"full\"", "COPY more.txt ./", "COPY <<\"EOF\" ./environment.yml.txt", "numpy==1.26.*",
                "pandas==2.1.*", "torch>=2.0,<3", "matplotlib==3.8.0", "six==1.16.0", "-r more.txt", "EOF",
                "RUN pip install -r ./environment.yml.txt", "COPY . .",
            ]),
        Case(
            name: "conda's lock",
            files: [
                "environment.yml": "dependencies:\n  - python\n  - numpy\n  - pip:\n    - seaborn\n", "main.py": "",
                "conda-lock.yml": """
                version: 1
                metadata:
                  platforms:
                  - linux-64
                package:
                - name: numpy
                  version: 1.26.4
                  manager: conda
                  platform: linux-64
                  dependencies:
                    version: '>=3'
                  category: main
                  optional: false
                - name: numpy
                  version: 1.26.3
                  manager: conda
                  platform: osx-64
                - name: libxcb
                  version: '1.15'
                  manager: conda
                  platform: linux-64
                - name: python
                  version: 3.13.1
                  manager: conda
                  platform: linux-64
                - name: seaborn
                  version: '0.13.2'
                  manager: pip
                  platform: linux-64
                - name: pytest
                  version: 8.0.0
                  manager: conda
                  platform: linux-64
                  category: dev
                """,
            ],
            lines: [
                "FROM python:3.13", "numpy", "seaborn", "EOF", "COPY <<\"EOF\" /opt/constraints.txt", "numpy==1.26.4",
                "seaborn==0.13.2", "EOF", "RUN pip install -c /opt/constraints.txt -r ./environment.yml.txt",
                "COPY . .",
            ]),
        Case(
            name: "Poetry's own words, without a package or a lock",
            files: [
                "pyproject.toml": """
                [tool.poetry]
                name = "not-there"
                [tool.poetry.dependencies]
                python = "^3.9"
                pandas = "^2.1"
                numpy = { version = "~1.26", optional = false }
                tiny = "^0.0.3"
                requests = { version = ">=2.28 <3", extras = ["socks"] }
                tomli = { version = "2.*", python = "<3.11" }
                unwanted = { version = "*", optional = true }
                pick = [{ version = "1.0", python = "~3.9" }, { version = "*", markers = "os_name == 'nt'" }]
                [build-system]
                requires = ["poetry-core"]
                build-backend = "poetry.core.masonry.api"
                """, "main.py": "",
            ],
            lines: [
                "FROM python:3.11", "pandas>=2.1,<3", "numpy>=1.26,<1.27", "tiny>=0.0.3,<0.0.4",
                "requests[socks]>=2.28,<3", "tomli==2.* ; python_version < '3.11'",
                "pick==1.0 ; python_version >= '3.9' and python_version < '3.10'", "pick ; (os_name == 'nt')", "EOF",
                "RUN pip install -r /opt/requirements.txt", "COPY . .", #"CMD ["python", "main.py"]"#,
            ]),
        Case(
            name: "poetry",
            files: [
                "poetry.lock": """
                [[package]]
                name = "six"
                version = "1.16.0"
                groups = ["main", "dev"]
                markers = "python_version >= '3.8'"
                files = [{file = "six.whl", hash = "sha256:8a"}, {file = "six.tar.gz", hash = "sha256:1e"}]
                [[package]]
                name = "pytest"
                version = "8"
                groups = ["dev"]
                files = []
                [metadata]
                lock-version = "2.1"
                """, "pyproject.toml": "[tool.poetry]\npackage-mode = false\n",
            ],
            lines: [
                "six==1.16.0 ; python_version >= '3.8' --hash=sha256:8a --hash=sha256:1e",
                "RUN pip install --no-deps --require-hashes -r /opt/requirements.txt", "COPY . .",
            ]),
        Case(
            name: "pipenv",
            files: [
                "Pipfile.lock": #"{"_meta":{"requires":{"python_version":"3.10"},"sources":[]},"default":"#
                    + #"{"six":{"version":"==1.16.0","hashes":["sha256:8a"]}},"develop":{}}"#
            ],
            lines: ["FROM python:3.10", "six==1.16.0 --hash=sha256:8a"]),
        Case(
            name: "pdm, with a version from git",
            files: [
                "pdm.lock": """
                [metadata]
                strategy = ["inherit_metadata"]
                [[package]]
                name = "six"
                version = "1.16.0"
                groups = ["default"]
                marker = "python_version < '4'"
                files = [{file = "six.whl", hash = "sha256:8a"}]
                [[package]]
                name = "six"
                version = "1.16.0"
                groups = ["default"]
                extras = ["fast"]
                [[package]]
                name = "pytest"
                version = "8"
                groups = ["test"]
                """,
                "pyproject.toml": "[project]\nname = 'x'\ndynamic = ['version']\ndependencies = ['Six>=1']\n"
                    + "[build-system]\nrequires = ['hatch-vcs']\n",
            ],
            lines: [
                "six==1.16.0 ; python_version < '4' --hash=sha256:8a", "EOF", "COPY . .",
                "RUN SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0 pip install --no-deps .", "CMD []",
            ]),
        Case(
            name: "a Pipfile without a lock",
            files: [
                "Pipfile": """
                [packages]
                six = "*"
                numpy = {version = "~=1.26", extras = ["a"], sys_platform = "== 'linux'"}
                [dev-packages]
                pytest = "*"
                [requires]
                python_version = "3.11"
                """
            ],
            lines: ["six", "numpy[a]~=1.26 ; (sys_platform == 'linux')", "EOF", "CMD []"]),
        Case(
            name: "a script that says it itself, in a directory of its own",
            files: [
                "fit.py": "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.11\"\n"
                    + "# dependencies = [\n#   \"six\",\n# ]\n# ///\nimport six\n"
            ], lines: ["six", "EOF", "COPY . .", #"CMD ["python", "fit.py"]"#]),
        Case(
            name: "what Binder reads",
            files: [
                "binder/requirements.txt": "\u{feff}six\n", "binder/apt.txt": "jq\n", "src/fit.py": "",
                "tests/test_a.py": "",
            ],
            lines: [
                "RUN apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*",
                "COPY binder/requirements.txt binder/", "RUN pip install -r binder/requirements.txt",
                #"CMD ["python", "src/fit.py"]"#,
            ]),
        Case(
            name: "requirements of another name, and two scripts",
            files: ["requirements-prod.txt": "six\n", "a.py": "", "b.py": ""],
            lines: ["RUN pip install -r requirements-prod.txt", "CMD []"]),
        Case(
            name: "a notebook", files: ["study.ipynb": "{}", "requirements.txt": "pandas\n"],
            lines: [
                "RUN pip install -r requirements.txt", "RUN pip install nbconvert ipykernel", "COPY . .",
                #"CMD ["jupyter", "nbconvert", "--to", "notebook", "--execute", "#
                    + #""--ExecutePreprocessor.record_timing=False", "--output-dir=executed", "study.ipynb"]"#,
            ]),
    ]

    @Test("a Dockerfile has one of three names, the usual one first")
    func names() throws {
        try withBuilder(base: false) { f in
            var files: [String: String] = ["requirements.txt": "six\n"]
            for name in ["Containerfile", "dockerfile", "Dockerfile"] {
                files[name] = "FROM \(name)\n"
                let recipe = try f.builder.recipe(of: try f.snapshot(files))
                #expect(recipe.name == name && recipe.text == "FROM \(name)\n")
            }
        }
    }

    @Test("Python's version in every spelling")
    func pythons() throws {
        let spellings = [
            "3": 11, "3.11.9": 11, "python-3.11.4": 11, "Python 3.12.1": 12, "3.11.x": 11, ">=3.10,<3.13": 11,
            "cpython-3.12.1-linux-x86_64-gnu": 12, ">=3.12": 13, "<3.11": 9, ">=3.10,<3.11": 10, "==3.10.*": 10,
            "3.11-dev": 11, "3.12.1/envs/own": 12,
            "system\n# no\n": 11, "# mine\n3.10\n3.9": 10, "=3.11.0=h12debd9_0": 11, "\u{feff}3.12\r\n": 12,
        ]
        try withBuilder(base: false) { f in
            for (text, minor) in spellings {
                let recipe = try f.builder.recipe(of: try f.snapshot([".python-version": text, "main.py": ""])).text
                #expect(recipe.contains("FROM python:3.\(minor)\n"), "\(text): \(recipe)")
            }
        }
    }

    @Test("what the files amount to", arguments: cases)
    func texts(_ test: Case) throws {
        try withBuilder(base: false) { f in
            let text = try f.builder.recipe(of: try f.snapshot(test.files)).text
            var rest = text.split(separator: "\n").map(String.init)[...]
            for line in test.lines {
                let index = try #require(rest.firstIndex(of: line), "'\(line)' is not (there) in:\n\(text)")
                rest = rest[(index + 1)...]
            }
        }
    }

    @Test(
        "what cannot be done is said with file and line",
        arguments: [
            (["requirements.txt": "six\n-r gone.txt\n"], "requirements.txt:2: the source has no file 'gone.txt'"),
            (["requirements.txt": "-e ../other\n"], "requirements.txt:1: '../other' is outside"),
            (["apt.txt": "jq\n--force-yes\n", "main.py": ""], "apt.txt:2: '--force-yes' is no package's name"),
            ([".python-version": "pypy3.10\n", "main.py": ""], ".python-version:1: 'pypy3.10' is no Python"),
            (["runtime.txt": "r-4.1\n", "main.py": ""], "runtime.txt:1: 'r-4.1' is no Python"),
            (
                ["environment.yml": "dependencies:\n  - gdal\n  - r-base=4\n"],
                "environment.yml: not known to be on the Python package index: gdal (line 2), r-base (line 3)"
            ),
            (["environment.yml": "dependencies:\n  - &a numpy\n"], "environment.yml:2: '&a numpy' is not understood"),
            (["pyproject.toml": "[project\n"], "pyproject.toml:1: "),
            (["poetry.lock": "[metadata]\nlock-version = \"2.0\"\n"], "poetry.lock:2: its form (2.0)"),
            (["requirements.txt": "six\nnumpy=1.26=py311_0\n"], "requirements.txt:2: 'numpy=1.26=py311_0' is conda's"),
            (["requirements.txt": "six @ file:///home/me/six\n"], "requirements.txt:1: 'six' comes from a path"),
            (["uv.lock": "version = 1\n"], "uv.lock: there is no pyproject.toml"),
            (
                [
                    "uv.lock": "[[package]]\nname = \"x\"\nsource = { virtual = \".\" }\n",
                    "pyproject.toml": "[project]\nname = 'x'\ndependencies = [\n'numpy>=2',\n]\n",
                ], "pyproject.toml:4: 'numpy>=2' is not in uv.lock, which is older"
            ),
            (
                ["Pipfile.lock": #"{"default":{}}"#, "Pipfile": "[packages]\n\nsix = \"*\"\n"],
                "Pipfile:3: 'six' is not in Pipfile.lock"
            ),
            (["Pipfile": "[packages]\nx = {git = \"https://example.org/x\"}\n"], "Pipfile:2: 'x' comes from no index"),
            (
                ["setup.cfg": "[options]\ninstall_requires =\n  six\n", "main.py": ""],
                "setup.cfg:2: pip reads it only beside"
            ),
            (["requirements/a.txt": "", "requirements/b.txt": "", "main.py": ""], "several files say what is needed"),
            (
                [
                    "a.py": "# /// script\n# dependencies = []\n# ///\n",
                    "b.py": "# /// script\n# dependencies = []\n# ///\n",
                ], "several scripts say what they need: a.py, b.py"
            ),
            (["a.py": "\n# /// script\n# x = [\n# ///\n"], "a.py:"),
            ([".python-version": "my-env\n", "main.py": ""], ".python-version:1: 'my-env' is no Python"),
            (
                ["requirements.txt": "six\nx @ git+https://me:pw@example.org/x.git@1\n"],
                "requirements.txt:2: 'x @ git+https"
            ),
            (["requirements.txt": "-e git+ssh://git@example.org/x#egg=x\n"], "requirements.txt:1: '-e git+ssh"),
            (["README.md": ""], "cannot tell how to build this directory: "),
        ])
    func refusals(_ files: [String: String], _ message: String) throws {
        try withBuilder(base: false) { f in
            let error = #expect(throws: IbidError.self) { try f.builder.recipe(of: try f.snapshot(files)) }
            #expect(error?.message.hasPrefix(message) ?? false, "\(error?.message ?? "")")
            #expect(error?.message.contains("pw") != true)
            #expect(error?.hint != nil)
        }
    }
}

@Suite(
    "recipes that are built", .enabled(if: TestBase.isPossible, "needs root, mmdebstrap, crun, skopeo and umoci"),
    .serialized)
struct RecipeBuildTests {
    private static let files =
        "https://files.pythonhosted.org/packages/d9/5a/e7c31adbe875f2abbb91bd84cf2dc52d792b5a01506781dbcf25c91daf11/"
    private static let wheel = "six-1.16.0-py2.py3-none-any.whl"
    private static let hash = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"

    /// uv's own lock names addresses of the public index; the step has nothing but the gateway.
    @Test("a lock of uv's and a pylock, installed without a trace of uv")
    func uv() throws {
        let project =
            "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.10\"\ndependencies = [\"six==1.16.0\"]\n"
        let lock = """
            version = 1
            revision = 3
            requires-python = ">=3.10"

            [[package]]
            name = "demo"
            version = "0.1.0"
            source = { virtual = "." }
            dependencies = [{ name = "six" }]

            [package.metadata]
            requires-dist = [{ name = "six", specifier = "==1.16.0" }]

            [[package]]
            name = "six"
            version = "1.16.0"
            source = { registry = "https://pypi.org/simple" }
            wheels = [{ url = "\(Self.files)\(Self.wheel)", hash = "sha256:\(Self.hash)", size = 11053 }]

            """
        let pylock = """
            lock-version = "1.0"
            created-by = "test"

            [[packages]]
            name = "six"
            version = "1.16.0"
            wheels = [{ url = "\(Self.files)\(Self.wheel)", hashes = { sha256 = "\(Self.hash)" } }]

            """
        let trees = [
            (
                ["pyproject.toml": project, "uv.lock": lock, "main.py": "import six\n"],
                "opt/venv/lib/python3.11/site-packages/"
            ),
            (["pylock.toml": pylock, "main.py": "import six\n"], "usr/local/lib/python3.11/dist-packages/"),
        ]
        for (files, place) in trees {
            var images: [Digest] = []
            for _ in 0..<2 {
                try withBuilder { f in
                    let build = try f.build(files)
                    images.append(build.image)
                    let layer = try #require(build.steps.first { $0.instruction.contains(",target=/tmp/uv") }?.layer)
                    let found = try f.files(layer)
                    #expect(found[place + "six.py"] != nil && found[place + "__pycache__/six.cpython-311.pyc"] != nil)
                    #expect(
                        !found.keys.contains {
                            $0.hasPrefix("tmp/") || $0.contains("uv_cache.json") || $0.contains("/.cache")
                        })
                    let record = try f.store.read(ImageLock.self, from: try #require(build.lock))
                    #expect(record.steps.flatMap(\.requests).map(\.request).contains("pypi/six/\(Self.wheel)"))
                }
            }
            #expect(images[0] == images[1])
        }
    }
}

/// The program that compiles a step's new Python files, run by the image's own interpreter.
///
/// It gives the same bytes whatever the number of processors: files are compiled in groups that depend on nothing but
/// the distribution, each by a process forked from one that has compiled nothing. (What `marshal` writes can depend on
/// what was compiled before in the same process, and on the modules that are loaded: cpython#129724. It also depends on
/// the names in this very text, because the interpreter has every name once: another set of them is another version.)
/// Like pip it skips what does not compile; unlike pip it leaves out test suites, which take half of the time and are
/// hardly ever imported.
///
/// The same program works ahead: while the step still runs, it compiles the wheels that the gateway hands out, each
/// group under a key of the interpreter, the paths and the sources. What lies there when the step is over is used;
/// everything else is compiled then, to the same bytes.
enum BytecodeScript {
    /// Another version may give other files.
    static let version: Int64 = 2

    static let text = #"""
        import csv, gc, hashlib, importlib.util, io, marshal, os, select, sys, sysconfig, time, warnings, zipfile
        warnings.simplefilter("ignore")
        os.umask(0o022)
        # The forked processes share their memory as long as nobody counts in it.
        gc.disable()
        gc.freeze()

        def wanted(name):
            return name.endswith(".py") and not {"test", "tests"} & set(name.split("/")[:-1])

        def groups(sources):
            group, size = [], 0
            for path, length in sources:
                group.append(path)
                size += length
                if size >= 1_600_000:
                    yield size, group
                    group, size = [], 0
            if group:
                yield size, group

        def recorded(lines):
            return sorted({row[0] for row in csv.reader(lines) if row})

        def identity():
            sha = hashlib.sha256(sys.version.encode())
            loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
            for path in [os.path.realpath(sys.executable)] + sorted({path for path in loaded if path}):
                with open(path, "rb") as file:
                    sha.update(hashlib.sha256(file.read()).digest())
            return sha.digest()

        def key(paths, sources):
            sha = hashlib.sha256(interpreter)
            for path, source in zip(paths, sources):
                sha.update(b"%d " % len(os.fsencode(path)) + os.fsencode(path) + hashlib.sha256(source).digest())
            return sha.hexdigest()

        def bytecode(paths, sources):
            made = []
            for path, source in zip(paths, sources):
                try:
                    code = compile(source, path, "exec", dont_inherit=True)
                    # PEP 552: the magic number, "checked hash", the source's hash.
                    made.append(importlib.util.MAGIC_NUMBER + (3).to_bytes(4, "little")
                                + importlib.util.source_hash(source) + marshal.dumps(code))
                    del code
                except (SyntaxError, ValueError, RecursionError):
                    made.append(b"")
            return made

        def place(path, content):
            target = importlib.util.cache_from_source(path)
            cache, owner = os.path.dirname(target), os.stat(path)
            if not os.path.isdir(cache):
                try:
                    os.mkdir(cache, 0o755)
                    os.chown(cache, owner.st_uid, owner.st_gid)
                except FileExistsError:
                    pass
            with open(target, "xb") as file:
                os.fchmod(file.fileno(), (owner.st_mode | 0o200) & 0o666)
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.write(content)

        running, failed = 0, False

        def wait(options=0):
            global running, failed
            pid, status = os.waitpid(-1, options)
            if pid:
                running -= 1
                failed = failed or status != 0

        def start(work, *words):
            global running
            if os.fork() == 0:
                status = 1
                try:
                    work(*words)
                    status = 0
                finally:
                    os._exit(status)
            running += 1

        processors = len(os.sched_getaffinity(0))
        interpreter = identity()

        # What the step installed.

        def installed(info):
            site = os.path.dirname(info)
            try:
                with open(os.path.join(info, "RECORD"), newline="", encoding="utf-8") as record:
                    names = recorded(record)
            except (OSError, ValueError, csv.Error):
                return
            for name in names:
                path = os.path.normpath(os.path.join(site, name))
                if not wanted(name) or not path.startswith(site + "/"):
                    continue
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                if not os.path.exists(importlib.util.cache_from_source(path)):
                    yield path, os.path.getsize(path)

        def read(paths):
            sources = []
            for path in paths:
                with open(path, "rb") as file:
                    sources.append(file.read())
            return sources

        def found(name):
            try:
                with open(name, "rb") as file:
                    return marshal.load(file)
            except (OSError, EOFError, ValueError, TypeError):
                return None

        def finish(paths, ahead, over_mark):
            sources = read(paths)
            name = os.path.join(ahead, key(paths, sources))
            over = False
            # As long as the other program works, what it has not made yet is worth waiting for.
            while not over and not os.path.exists(name):
                over = not os.path.isdir(ahead) or os.path.exists(over_mark)
                time.sleep(0 if over else 0.005)
            made = found(name)
            for path, content in zip(paths, bytecode(paths, sources) if made is None else made):
                if content:
                    place(path, content)

        def start_finish(group, ahead, over_mark):
            # Some of them may only wait for the other program.
            if running >= processors + (2 if os.path.isdir(ahead) else 0):
                wait()
            start(finish, group, ahead, over_mark)

        def compile_installed(listed, ahead, over_mark):
            with open(listed, encoding="utf-8", errors="surrogateescape") as file:
                infos = file.read().split("\0")
            # The largest first, so that the processors finish together.
            left = sorted((-size, group) for info in infos for size, group in groups(installed(info)))
            for _, group in left:
                start_finish(group, ahead, over_mark)

        # Ahead of the step's end: wheels that it was handed, for the place where they will most likely lie.

        def site_packages():
            prefix = os.path.dirname(os.path.dirname(sys.executable))
            if os.path.exists(os.path.join(prefix, "pyvenv.cfg")):
                return os.path.join(prefix, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
            return sysconfig.get_path("purelib")

        def wheel_groups(wheel, site):
            try:
                with zipfile.ZipFile(wheel) as archive:
                    names = archive.namelist()
                    record = next(name for name in names if name.endswith(".dist-info/RECORD") and name.count("/") == 1)
                    with archive.open(record) as raw:
                        names = [name for name in recorded(io.TextIOWrapper(raw, "utf-8", newline="")) if wanted(name)]
                    if any(".data/" in name for name in names):
                        return []
                    return list(groups((os.path.join(site, name), archive.getinfo(name).file_size) for name in names))
            except (OSError, ValueError, KeyError, StopIteration, csv.Error, zipfile.BadZipFile):
                return []

        def prepare(wheel, paths, site, out):
            with zipfile.ZipFile(wheel) as archive:
                sources = [archive.read(path[len(site) + 1:]) for path in paths]
            name = os.path.join(out, key(paths, sources))
            made = bytecode(paths, sources)
            with open(name + ".part", "xb") as file:
                marshal.dump(made, file)
            os.rename(name + ".part", name)

        def compile_ahead(wheels, out):
            site = site_packages()
            os.mkdir(out)
            queue = os.open(os.path.join(wheels, "queue"), os.O_RDONLY | os.O_NONBLOCK)
            todo, text, more = [], b"", True
            while more or todo or running:
                if running:
                    wait(os.WNOHANG if more or todo and running < processors else 0)
                # One processor is the step's own as long as it runs.
                if todo and running < (max(1, processors - 1) if more else processors):
                    _, wheel, paths = todo.pop(0)
                    start(prepare, wheel, paths, site, out)
                    continue
                if more and select.select([queue], [], [], 0.002 if running else None)[0]:
                    piece = os.read(queue, 65536)
                    more = bool(piece)
                    text += piece
                    while b"\n" in text:
                        name, text = text.split(b"\n", 1)
                        wheel = os.path.join(wheels, name.decode())
                        todo += [(size, wheel, paths) for size, paths in wheel_groups(wheel, site)]
                    todo.sort(key=lambda item: -item[0])

        if sys.argv[1] == "ahead":
            compile_ahead(sys.argv[2], sys.argv[3])
        else:
            compile_installed(sys.argv[2], sys.argv[3], sys.argv[4])
        while running:
            wait()
        sys.exit(1 if failed else 0)
        """#
}

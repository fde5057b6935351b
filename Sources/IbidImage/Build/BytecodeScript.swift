/// The program that compiles a step's new Python files, run by the image's own interpreter.
///
/// It gives the same bytes whatever the number of processors: files are compiled in groups that depend on nothing but
/// the distribution, each by a process forked from one that has compiled nothing. (What `marshal` writes can depend on
/// what was compiled before in the same process: cpython#129724.) Like pip it skips what does not compile; unlike pip
/// it leaves out test suites, which take half of the time and are hardly ever imported.
enum BytecodeScript {
    /// Another version may give other files.
    static let version: Int64 = 1

    static let text = #"""
        import csv, importlib.util, os, py_compile, sys, warnings
        warnings.simplefilter("ignore")
        os.umask(0o022)

        def sources(info):
            site = os.path.dirname(info)
            try:
                with open(os.path.join(info, "RECORD"), newline="", encoding="utf-8") as record:
                    names = sorted({row[0] for row in csv.reader(record) if row and row[0].endswith(".py")})
            except (OSError, ValueError, csv.Error):
                return
            for name in names:
                path = os.path.normpath(os.path.join(site, name))
                if not path.startswith(site + "/") or {"test", "tests"} & set(name.split("/")[:-1]):
                    continue
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                if not os.path.exists(importlib.util.cache_from_source(path)):
                    yield path, os.path.getsize(path)

        def groups(infos):
            for info in infos:
                group, size = [], 0
                for path, length in sources(info):
                    group.append(path)
                    size += length
                    if size >= 400_000:
                        yield size, group
                        group, size = [], 0
                if group:
                    yield size, group

        def compile_group(paths):
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            for path in paths:
                try:
                    cache = os.path.dirname(importlib.util.cache_from_source(path))
                    owner = os.stat(path)
                    if not os.path.isdir(cache):
                        try:
                            os.mkdir(cache, 0o755)
                            os.chown(cache, owner.st_uid, owner.st_gid)
                        except FileExistsError:
                            pass
                    made = py_compile.compile(path, doraise=True, invalidation_mode=mode)
                    os.chown(made, owner.st_uid, owner.st_gid)
                except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError):
                    pass

        def wait():
            global running, failed
            _, status = os.wait()
            running -= 1
            failed = failed or status != 0

        running, failed = 0, False
        with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as listed:
            infos = listed.read().split("\0")
        # The largest first, so that the processors finish together.
        for _, group in sorted(groups(infos), key=lambda item: -item[0]):
            if running >= len(os.sched_getaffinity(0)):
                wait()
            if os.fork() == 0:
                status = 1
                try:
                    compile_group(group)
                    status = 0
                finally:
                    os._exit(status)
            running += 1
        while running:
            wait()
        sys.exit(1 if failed else 0)
        """#
}

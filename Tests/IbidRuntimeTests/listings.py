"""Lists directories in every way that a program has, and says what does not come in order. Arguments: directories to
work in, each on another file system."""
import ctypes
import os
import random
import subprocess
import sys
import threading

GETDENTS64 = {"x86_64": 217, "aarch64": 61}[os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)


class Entry(ctypes.Structure):
    _fields_ = [("inode", ctypes.c_ulong), ("next", ctypes.c_long), ("length", ctypes.c_ushort),
                ("type", ctypes.c_ubyte), ("name", ctypes.c_char * 256)]


libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.POINTER(Entry)
libc.telldir.restype = ctypes.c_long
for function in ("readdir", "rewinddir", "telldir", "closedir"):
    getattr(libc, function).argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


def check(what, holds):
    if not holds:
        print(what)


def make(place, count):
    """A directory of so many names, made in another order each time."""
    names = [f"{random.Random(i).getrandbits(40):x}-é" for i in range(count)]
    os.mkdir(place)
    for name in random.sample(names, count):
        open(f"{place}/{name}", "w").close()
    return sorted(names, key=os.fsencode)


def read(stream, count=None):
    found = []
    while count is None or len(found) < count:
        entry = libc.readdir(stream)
        if not entry:
            break
        found.append(entry.contents.name)
    return found


def call(file, size=32768):
    """One system call: its result, and the names that it gave."""
    buffer = ctypes.create_string_buffer(32768)
    result, names, place = libc.syscall(GETDENTS64, file, buffer, size), [], 0
    while place < result:
        length = int.from_bytes(buffer.raw[place + 16:place + 18], "little")
        names.append(buffer.raw[place + 19:place + length].split(b"\0")[0])
        place += length
    return result, names


def streams(place, names):
    whole = [b".", b".."] + [os.fsencode(name) for name in names]
    stream = libc.opendir(place.encode())
    check("readdir", read(stream) == whole and read(stream) == [])
    libc.rewinddir(stream)
    check("rewinddir", read(stream) == whole)
    for count in (10, 1500, 3000):
        libc.rewinddir(stream)
        check("the start", read(stream, count) == whole[:count])
        here = libc.telldir(stream)
        read(stream, 1400)
        libc.seekdir(stream, here)
        check("seekdir", read(stream) == whole[count:])
        libc.seekdir(stream, here)
        check("seekdir after the end", read(stream) == whole[count:])
    libc.closedir(stream)
    # More than are kept.
    many = [libc.opendir(place.encode()) for _ in range(100)]
    halves = [read(stream, 2000) for stream in many]
    check("many at once", all(half + read(stream) == whole for half, stream in zip(halves, many)))
    for stream in many:
        libc.closedir(stream)


def shared(place, names):
    """A child goes on where its parent stopped, and the parent where the child did."""
    file = os.open(place, os.O_RDONLY)
    found, (here, there) = call(file)[1], os.pipe()
    if os.fork() == 0:
        os.write(there, b"/".join(call(file)[1]))
        os._exit(0)
    os.wait()
    found += os.read(here, 65536).split(b"/")
    while more := call(file)[1]:
        found += more
    check("a shared position", found[2:] == [os.fsencode(name) for name in names])


def errors(place):
    file = os.open(place, os.O_RDONLY)
    check("a small buffer", call(file, 8)[0] == -1 and ctypes.get_errno() == 22)
    check("no memory", libc.syscall(GETDENTS64, file, ctypes.c_void_p(8), 32768) == -1 and ctypes.get_errno() == 14)
    check("after errors", call(file)[1][:2] == [b".", b".."])
    check("no directory", call(os.open("/bin/busybox", os.O_RDONLY))[0] == -1 and ctypes.get_errno() == 20)
    check("no file", call(999)[0] == -1 and ctypes.get_errno() == 9)
    os.mkdir(place + ".gone")
    file = os.open(place + ".gone", os.O_RDONLY)
    os.rmdir(place + ".gone")
    check("a removed directory", call(file)[0] == -1 and ctypes.get_errno() == 2)


def threads(place, names):
    seen = []
    workers = [threading.Thread(target=lambda: seen.extend(os.listdir(place) for _ in range(50))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    check("threads", len(seen) == 400 and all(found == names for found in seen))


def programs(place, names):
    """A static program without an environment, and one below another root."""
    for command in (["env", "-i", "/bin/busybox", "find", place], ["/bin/busybox", "find", place]):
        found = subprocess.run(command, stdout=subprocess.PIPE).stdout.decode().split("\n")[1:-1]
        check(" ".join(command), [os.path.basename(path) for path in found] == names)
    os.link("/bin/busybox", "/bin/busybox-owned")
    os.chmod("/bin/busybox-owned", 0o4755)
    found = subprocess.run(["/bin/busybox-owned", "find", place], stdout=subprocess.PIPE, user=1000).stdout.decode()
    check("a set-user-id program", [os.path.basename(path) for path in found.split("\n")[1:-1]] == names)
    os.remove("/bin/busybox-owned")
    if not place.startswith("/work"):
        return
    os.mkdir("/work/bin")
    subprocess.run(["/bin/busybox", "cp", "/bin/busybox", "/work/bin/busybox"], check=True)
    found = subprocess.run(["/bin/busybox", "chroot", "/work", "/bin/busybox", "find", place[5:]], stdout=subprocess.PIPE)
    check("below another root", [os.path.basename(p) for p in found.stdout.decode().split("\n")[1:-1]] == names)


for root in sys.argv[1:]:
    for count in (0, 1, 700):
        names = make(f"{root}/{count}", count)
        check(f"{count} names in {root}", os.listdir(f"{root}/{count}") == names)
    threads(f"{root}/700", names)
    programs(f"{root}/700", names)
    names = make(f"{root}/5000", 5000)
    streams(f"{root}/5000", names)
    shared(f"{root}/5000", names)
    errors(f"{root}/5000")
    for entry in os.scandir(f"{root}/5000"):
        os.remove(entry)
    check("removed while it is listed", os.listdir(f"{root}/5000") == [])
check("processes", str(os.getpid()) in os.listdir("/proc"))
print("done")

"""Writes archives that mean harm, or are broken, into a directory.

Their names say what is to come of them: refused-* must be refused, taken-* must be taken without touching anything
outside. %d stands for a directory outside that has to stay as it is.
"""
import bz2, gzip, io, os, struct, sys, tarfile

place, outside = sys.argv[1:3]


def header(name=b"x", size=b"00000000000\0", kind=b"0", link=b"", mode=b"0000644\0", prefix=b"", mtime=b"00000000000\0",
           uid=b"0000000\0", magic=b"ustar\00000"):
    block = bytearray(512)
    for at, field in ((0, name), (100, mode), (108, uid), (116, b"0000000\0"), (124, size), (136, mtime), (156, kind),
                      (157, link), (257, magic), (329, b"0000001\0"), (337, b"0000003\0"), (345, prefix)):
        block[at:at + len(field)] = field
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def file(name, content=b"evil\n", **more):
    return header(name, b"%011o\0" % len(content), **more) + content + bytes(-len(content) % 512)


def pax(records, kind=b"x"):
    body = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + len(str(len(rest)))
        if len(str(length)) != len(str(len(rest))):
            length = len(rest) + len(str(length))
        body += str(length).encode() + rest
    return file(b"pax", body, kind=kind)


def link(name, target, kind=b"2"):
    return header(name, kind=kind, link=target)


def directory(name):
    return header(name, kind=b"5", mode=b"0000755\0")


END = bytes(1024)
ok = file(b"good")
out = outside.encode()
archives = {
    # Ways out.
    "refused-dotdot": ok + file(b"../escape"),
    "refused-dotdot-deep": ok + file(b"a/b/../../../escape"),
    "refused-dotdot-prefix": ok + file(b"escape", prefix=b".."),
    "refused-dotdot-pax": ok + pax([(b"path", b"../../escape")]) + ok,
    "refused-dotdot-long": ok + file(b"L", b"../escape\0", kind=b"L") + ok,
    "refused-hardlink-dotdot": ok + link(b"h", b"../../etc/shadow", b"1"),
    "refused-hardlink-outside": ok + link(b"h", out + b"/canary", b"1") + file(b"h"),
    "refused-hardlink-missing": ok + link(b"h", b"nothing", b"1"),
    "refused-hardlink-directory": directory(b"d") + link(b"h", b"d", b"1"),
    "refused-symlink-loop": link(b"a", b"b") + link(b"b", b"a") + file(b"a/x"),
    "refused-symlink-self": link(b"a", b"a") + file(b"a/x"),
    "refused-symlink-empty": ok + link(b"a", b""),
    "refused-file-parent": file(b"a") + file(b"a/b"),
    "taken-absolute": ok + file(b"/absolute/x") + file(b"////deep"),
    "taken-symlink-outside": link(b"way", out) + ok,
    "taken-through-symlink": link(b"way", out) + file(b"way/canary", b"overwritten\n"),
    "taken-through-chain": link(b"one", b"two") + link(b"two", out) + file(b"one/canary", b"overwritten\n"),
    "taken-through-dotdot-link": link(b"up", b"../../../../../../../.." + out) + file(b"up/canary", b"overwritten\n"),
    "taken-link-then-file": link(b"x", out + b"/canary") + file(b"x", b"overwritten\n"),
    "taken-link-then-directory": link(b"x", out) + directory(b"x") + file(b"x/canary", b"overwritten\n"),
    # Things that no image holds.
    "refused-character-device": ok + header(b"null", kind=b"3"),
    "refused-block-device": ok + header(b"disk", kind=b"4"),
    "refused-whiteout": ok + file(b".wh.passwd", b""),
    "refused-opaque": ok + directory(b"d") + file(b"d/.wh..wh..opq", b""),
    "refused-whiteout-directory": ok + directory(b".wh.d"),
    "refused-sparse": ok + pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]) + ok,
    "refused-sparse-old": ok + header(b"s", kind=b"S"),
    "refused-unknown-type": ok + header(b"z", kind=b"Z"),
    "taken-fifo": ok + header(b"pipe", kind=b"6"),
    "taken-setuid": ok + file(b"su", mode=b"0006755\0"),
    # Lies about size and form.
    "refused-truncated-header": ok + header()[:300],
    "refused-truncated-content": ok + file(b"long", b"x" * 4096)[:1024],
    "refused-claims-8-gib": ok + header(b"big", b"77777777777\0") + b"little",
    "refused-claims-exbibytes": ok + header(b"big", b"\x80\0\0\0\x0f" + b"\xff" * 7),
    "refused-claims-negative": ok + header(b"big", b"\xff" * 12),
    "refused-claims-pax": ok + pax([(b"size", b"9223372036854775807")]) + ok,
    "refused-claims-pax-negative": ok + pax([(b"size", b"-1")]) + ok,
    "refused-claims-header": ok + header(b"pax", b"77777777777\0", kind=b"x"),
    "refused-size-words": ok + header(b"x", b"elephants!\0\0"),
    "refused-checksum": ok + header()[:148] + b"0000001\0" + header()[156:],
    "refused-pax-no-length": ok + file(b"pax", b"path=x\n", kind=b"x") + ok,
    "refused-pax-short": ok + file(b"pax", b"5 a=b\n", kind=b"x") + ok,
    "refused-pax-long": ok + file(b"pax", b"999999 path=x\n", kind=b"x") + ok,
    "refused-pax-overflow": ok + file(b"pax", b"99999999999999999999 path=x\n", kind=b"x") + ok,
    "refused-pax-2-mib": ok + pax([(b"comment", b"x" * (2 << 20))]) + ok,
    "refused-long-name-2-mib": ok + file(b"L", b"n" * (2 << 20), kind=b"L") + ok,
    "refused-pax-nul": ok + pax([(b"path", b"a\0b")]) + ok,
    "refused-pax-owner": ok + pax([(b"uid", b"4294967296")]) + ok,
    "refused-pax-time": ok + pax([(b"mtime", b"yesterday")]) + ok,
    "refused-name-256": ok + pax([(b"path", b"n" * 256)]) + ok,
    "refused-path-5000": ok + pax([(b"path", b"d/" * 2500 + b"x")]) + ok,
    "refused-no-name": ok + header(b""),
    "taken-global-bomb": b"".join(pax([(b"k%d" % i, b"x" * 100)], kind=b"g") for i in range(500)) + ok,
    "taken-far-future": ok + pax([(b"mtime", b"99999999999.5")]) + ok,
    "taken-before-1970": ok + pax([(b"mtime", b"-5")]) + ok,
    "taken-no-end": ok,
    "taken-rubbish-after-end": ok + END + os.urandom(2048),
    # Names given twice.
    "taken-twice": file(b"good", b"first\n") + file(b"good", b"second\n"),
    "taken-file-over-directory": directory(b"d") + file(b"d/x") + file(b"d", b"now a file\n"),
    "taken-directory-over-file": file(b"d") + directory(b"d") + file(b"d/x"),
    "taken-odd-names": file(b"new\nline") + file(b"\xff\xfe") + file(b" ") + file(b"*?[") + file(b"-rf") + file(b"a\\b"),
    "taken-deep": b"".join(directory(b"d/" * i) for i in range(1, 40)) + ok,
    "taken-hardlink-itself": ok + link(b"good", b"good", b"1"),
    "taken-root-entry": header(b"./", kind=b"5", mode=b"0000000\0") + ok,
}
for name, bytes_ in archives.items():
    complete = any(word in name for word in ("truncated", "no-end", "claims-8", "after-end"))
    open(f"{place}/{name}.tar", "wb").write(bytes_ if complete else bytes_ + END)
whole = gzip.compress(ok + file(b"more", os.urandom(100000)) + END)
open(f"{place}/refused-gzip-truncated.tar.gz", "wb").write(whole[:-5000])
open(f"{place}/refused-gzip-broken.tar.gz", "wb").write(whole[:60000] + b"\0" * 64 + whole[60064:])
open(f"{place}/refused-bzip2-truncated.tar.bz2", "wb").write(bz2.compress(ok + file(b"m", os.urandom(2_000_000)) + END)[:-99])
# What only looks like an archive is a file like any other.
open(f"{place}/plain-gzip.gz", "wb").write(gzip.compress(b"words\n"))
open(f"{place}/plain-rubbish.tar", "wb").write(os.urandom(4096))
open(f"{place}/plain-empty.tar", "wb").write(b"")
open(f"{place}/plain-zeros.tar", "wb").write(bytes(10240))
open(f"{place}/plain-magic.tar.gz", "wb").write(b"\x1f\x8b" + bytes(100))
# 64 MiB of nothing in 64 KiB: a bomb for a limit that a test sets.
open(f"{place}/bomb.tar.gz", "wb").write(gzip.compress(header(b"zeros", b"%011o\0" % (64 << 20)) + bytes(64 << 20) + END))

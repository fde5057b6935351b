import Foundation
import IbidContainer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct ContainerIsolationTests {
    @Test func aRunHasNoCapabilities() throws {
        try withContainers { containers in
            let result = try containers.sh("cat /proc/self/status")
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(result.stdout.contains("\(set):\t0000000000000000\n"), "\(set)")
            }
            #expect(result.stdout.contains("NoNewPrivs:\t1\n"))
            #expect(result.stdout.contains("Seccomp:\t2\n"))
        }
    }

    @Test func aBuildStepHasDockersCapabilitiesInItsUserNamespace() throws {
        try withContainers { containers in
            let result = try containers.sh("cat /proc/self/status /proc/self/uid_map") { $0.privileges = .build }
            #expect(result.stdout.contains("CapEff:\t00000000a80425fb\n"))
            #expect(result.stdout.contains("CapBnd:\t00000000a80425fb\n"))
            #expect(result.stdout.contains("NoNewPrivs:\t0\n"))
            #expect(result.stdout.split(whereSeparator: \.isWhitespace).suffix(3) == ["0", "100000", "65536"])
            let user = try containers.sh("cat /proc/self/status") {
                $0.privileges = .build
                $0.user = "ana"
            }
            #expect(user.stdout.contains("CapEff:\t0000000000000000\n"))
        }
    }

    @Test func theHostIsNotVisible() throws {
        try withContainers { containers in
            let result = try containers.sh(
                "ls /; ls /sys /dev /proc/self/fd; ps; hostname; cat /proc/self/cgroup; "
                    + "cat /proc/mounts; cat /proc/kcore /proc/kallsyms /proc/config.gz | head -c 1; echo end")
            let names = result.stdout.split(separator: "\n").map(String.init)
            #expect(!names.contains("sys"))
            #expect(result.stderr.contains("/sys: No such file"))
            #expect(names.contains("ibid"))
            #expect(!result.stdout.contains("/ibid/"), "the cgroup's path shows")
            #expect(!result.stdout.contains(containers.scratch.string), "a path of the host shows")
            #expect(names.last == "end")
            for device in ["sda", "vda", "mem", "kmsg", "fuse", "kvm", "vsock"] { #expect(!names.contains(device)) }
            // Two processes, the shell and ps: init is not for them to see.
            #expect(result.stdout.contains("PID   USER     COMMAND\n    2 root     /bin/sh -c"), "\(result.stdout)")
        }
    }

    @Test(.enabled(if: ContainerFixture.hasPython, "needs python3"))
    func thereIsNoNetwork() throws {
        try withContainers { containers in
            let result = try containers.python(
                """
                import errno, socket
                def attempt(name, family, kind, address):
                    with socket.socket(family, kind) as s:
                        s.settimeout(3)
                        try: s.connect(address); print(name, 'ok')
                        except OSError as error: print(name, errno.errorcode[error.errno])
                attempt('tcp', socket.AF_INET, socket.SOCK_STREAM, ('1.1.1.1', 80))
                attempt('tcp6', socket.AF_INET6, socket.SOCK_STREAM, ('2606:4700::1', 80))
                attempt('udp', socket.AF_INET, socket.SOCK_DGRAM, ('1.1.1.1', 53))
                attempt('metadata', socket.AF_INET, socket.SOCK_STREAM, ('169.254.169.254', 80))
                attempt('loopback', socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', 1))
                print(socket.gethostbyname('localhost'), [i[1] for i in socket.if_nameindex()])
                """)
            #expect(
                result.stdout == """
                    tcp ENETUNREACH
                    tcp6 ENETUNREACH
                    udp ENETUNREACH
                    metadata ENETUNREACH
                    loopback ECONNREFUSED
                    127.0.0.1 ['lo']

                    """, "\(result.stderr)")
        }
    }

    @Test func mountsAndNamespacesAreRefused() throws {
        try withContainers { containers in
            for privileges in [ContainerPrivileges.run, .build] {
                let result = try containers.sh(
                    """
                    mount -t tmpfs none /work; unshare -U true; unshare -m true; mknod /work/null c 1 3
                    echo 1 > /proc/sys/vm/overcommit_memory; echo x > /proc/sysrq-trigger
                    hostname other; hostname; ls /proc/acpi/*
                    """
                ) { $0.privileges = privileges }
                #expect(result.stderr.contains("mount: permission denied"), "\(privileges)")
                #expect(result.stderr.contains("unshare(0x10000000): Operation not permitted"), "\(privileges)")
                #expect(result.stderr.contains("unshare(0x20000): Operation not permitted"), "\(privileges)")
                #expect(result.stderr.contains("mknod: /work/null: Operation not permitted"), "\(privileges)")
                #expect(result.stderr.contains("overcommit_memory: Read-only file system"), "\(privileges)")
                #expect(result.stdout == "ibid\n", "\(privileges)")
            }
        }
    }

    @Test func bindsCannotBeWritten() throws {
        try withContainers { containers in
            let file = containers.scratch.appending("blob")
            let directory = containers.scratch.appending("tree/inner")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
            for path in [file, directory.appending("f")] {
                try Data("kept".utf8).write(to: URL(fileURLWithPath: path.string))
            }
            for privileges in [ContainerPrivileges.run, .build] {
                let result = try containers.sh(
                    """
                    echo x > /inputs/f; echo x >> /inputs/d/inner/f; rm /inputs/d/inner/f; touch /inputs/d/new
                    chmod 777 /inputs/f; rm /inputs/f; mount -o remount,rw /inputs/f; stat -c %u /inputs/d/inner/f
                    """
                ) {
                    $0.binds = [
                        ContainerBind(source: file, target: "/inputs/f"),
                        ContainerBind(source: containers.scratch.appending("tree"), target: "/inputs/d"),
                    ]
                    $0.privileges = privileges
                }
                #expect(result.stderr.split(separator: "\n").count == 7, "\(result.stderr)")
                #expect(result.stdout == "0\n")
                #expect(try String(contentsOfFile: file.string, encoding: .utf8) == "kept")
                #expect(try shell(["find", directory.string, "-type", "f"]).stdout == "\(directory)/f\n")
            }
        }
    }

    @Test(.enabled(if: ContainerFixture.hasPython, "needs python3"))
    func dangerousCallsAreRefused() throws {
        try withContainers { containers in
            let script = """
                import ctypes, errno, os, socket
                libc = ctypes.CDLL(None, use_errno=True)
                def call(name, number, *args):
                    result = libc.syscall(number, *args)
                    print(name, errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
                for family in (40, 38, 17, 1, 2, 10, 16):
                    try: socket.socket(family, socket.SOCK_STREAM if family != 16 else socket.SOCK_RAW).close(); print('socket', family, 'ok')
                    except OSError as error: print('socket', family, errno.errorcode[error.errno])
                call('io_uring_setup', 425, 4, 0)
                call('bpf', 321, 0, 0, 0)
                call('userfaultfd', 323, 0)
                call('perf_event_open', 298, 0, 0, -1, -1, 0)
                call('keyctl', 250, 0, 0)
                call('add_key', 248, b'user', b'a', b'b', 1, -3)
                call('kexec_load', 246, 0, 0, 0, 0)
                call('open_by_handle_at', 304, 0, 0, 0)
                call('setns', 308, 0, 0)
                call('clone newuser', 56, 0x10000000 | 17, 0, 0, 0, 0)
                call('clone3', 435, 0, 0)
                call('unknown', 999)
                call('x32 getpid', 0x40000000 | 39)
                call('getpid', 39)
                call('personality', 135, 0xffffffff)
                call('personality emulation', 135, 0x0400000)
                """
            for privileges in [ContainerPrivileges.run, .build] {
                let result = try containers.python(script) { $0.privileges = privileges }
                let expected = """
                    socket 40 EPERM
                    socket 38 EPERM
                    socket 17 EPERM
                    socket 1 ok
                    socket 2 ok
                    socket 10 ok
                    socket 16 ok
                    io_uring_setup EPERM
                    bpf EPERM
                    userfaultfd EPERM
                    perf_event_open EPERM
                    keyctl EPERM
                    add_key EPERM
                    kexec_load EPERM
                    open_by_handle_at EPERM
                    setns EPERM
                    clone newuser EPERM
                    clone3 ENOSYS
                    unknown ENOSYS
                    x32 getpid ENOSYS
                    getpid ok
                    personality ok
                    personality emulation EPERM

                    """
                #expect(result.stdout == expected, "\(privileges) \(result.stderr)")
            }
        }
    }

    @Test func setuidProgramsGainNothingInARun() throws {
        try withContainers { containers in
            try shell(["chmod", "4755", containers.layer.appending("bin/busybox").string])
            let result = try containers.sh("id -u") { $0.user = "ana" }
            #expect(result.stdout == "1000\n")
        }
    }
}

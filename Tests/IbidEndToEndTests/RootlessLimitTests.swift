import Foundation
import IbidTestSupport
import SystemPackage
import Testing

/// Limits, and what is said where a machine lacks something, as an ordinary user of the host meets them.
@Suite(.enabled(if: ScratchUser.isPossible, Comment(rawValue: ScratchUser.requirement)))
struct RootlessLimitTests {
    private static let script = """
        case $1 in
        memory) a=0123456789abcdef; while true; do a=$a$a; done ;;
        wall) busybox sleep 60 ;;
        output) i=0; while true; do busybox head -c 1000000 /dev/zero > $i; i=$((i+1)); done ;;
        files) i=0; while true; do : > $i; i=$((i+1)); done ;;
        descriptors) ulimit -n; ulimit -Hn ;;
        processes) i=0; while [ $i -lt 99 ]; do busybox sleep 2 & i=$((i+1)); done; wait ;;
        background) (trap '' TERM HUP; while true; do echo x >> late; busybox sleep 0.05; done) &
            while [ ! -s late ]; do busybox sleep 0.02; done ;;
        esac
        """

    @Test(arguments: [OrdinaryUser.IDs.range, .one])
    func eachIsNamed(_ ids: OrdinaryUser.IDs) throws {
        try withScratch { scratch in
            let bench = try ScratchUser(ids, in: scratch)
            try bench.commitShell(Self.script)
            // Other tests run as the same user: the second argument tells which processes are this one's.
            let mark = "mark-\(UUID().uuidString)"
            func submit(_ what: String, _ options: [String] = []) throws -> JSONReader {
                try JSONReader(try bench.call(["submit", ".", "--json"] + options + ["--", what, mark]).stdout)
            }
            for (what, options, reason) in [
                ("memory", ["--memory", "48MiB"], "memory limit 48 MiB"),
                ("wall", ["--wall", "1s"], "wall time limit 1 s"),
                ("output", ["--output-limit", "4MiB"], "output limit 4 MiB"),
                ("files", ["--files-limit", "50"], "output limit 50 files"),
            ] {
                let run = try submit(what, options)
                #expect(run["status"].string == "killed" && run["reason"].string == reason, "\(ids) \(what): \(run)")
            }
            // No word of the kernel's: the program itself sees the refusal.
            let processes = try bench.call(["submit", ".", "--pids-limit", "20", "--", "processes", mark])
            #expect(processes.stderr.contains("can't fork"), "\(processes.stderr)")
            #expect(try bench.call(["submit", ".", "--", "descriptors"]).stdout == "1024\n1024\n")
            // Who went to the background is gone before anything is read.
            let background = try submit("background")
            let late = try #require(background["outputs"].array.first { $0["path"].string == "late" })
            #expect(background["status"].string == "succeeded" && (late["size"].int ?? 0) < 100)
            #expect(try bench.call(["verify", "--store"]).status == 0)
            let ids = "\(OrdinaryUser.id),\(OrdinaryUser.firstSubordinate)"
            #expect(try shell(["pgrep", "-u", ids, "-f", mark]).stdout == "")
        }
    }

    /// A fork bomb in a build step takes no more than it is given, whoever it becomes.
    @Test func bombInAStep() throws {
        try withScratch { scratch in
            let bench = try ScratchUser(.range, in: scratch)
            try Bench.run(["cp", "/bin/busybox", bench.job.string], in: "/")
            try bench.commit([
                "Dockerfile": """
                FROM scratch
                COPY busybox /bin/busybox
                COPY busybox /bin/sh
                RUN busybox mkfifo /wait; i=0; while [ $i -lt 6000 ]; do (read x < /wait) & i=$((i+1)); done
                CMD ["/bin/sh"]
                """
            ])
            let built = try bench.call(["image", "build", "."])
            #expect(built.status == 1 && built.stderr.contains("can't fork"), "\(built.stderr.suffix(500))")
        }
    }

    /// What a machine does not give is found before a run starts, and doctor says what to do.
    @Test func whatIsMissingIsNamed() throws {
        try withScratch { scratch in
            let bench = try ScratchUser(.range, in: scratch)
            try bench.commitShell("echo ran")
            // A container whose /proc is masked: the kernel lets nobody there mount a whole one.
            let masked = [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                "mount -t tmpfs none /proc/fs; exec \"$@\"", "sh",
            ]
            for arguments in [["doctor"], ["submit", "."]] {
                let result = try bench.call(arguments, under: masked)
                #expect(result.status == 1, "\(arguments)")
                #expect((result.stdout + result.stderr).contains("systempaths=unconfined"), "\(result)")
            }
            #expect(try bench.call(["runs", "--json"]).stdout == "[]\n")
            // No programs.
            let empty = scratch.appending("empty").string
            try Bench.run(["mkdir", empty], in: "/")
            let none = try shell(
                bench.user.command(["/usr/bin/env", "PATH=\(empty)", bench.ibid.string, "doctor"]),
                in: bench.job.string,
                environment: bench.environment)
            #expect(none.status == 1)
            for name in ["crun", "mmdebstrap", "git"] {
                #expect(none.stdout.contains("apt-get install \(name)"), "\(none.stdout)")
            }
            // No control groups at all: root needs them, a user does not.
            let bare = [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                "umount -R /sys/fs/cgroup 2>/dev/null || umount -Rl /sys/fs/cgroup; exec \"$@\"", "sh",
            ]
            #expect(try bench.call(["submit", "."], under: bare).stdout == "ran\n")
            let root = try shell(
                bare + [bench.ibid.string, "doctor"], environment: ["IBID_HOME": scratch.appending("root-home").string])
            #expect(root.status == 1 && root.stdout.contains("controller 'memory' is missing"), "\(root.stdout)")
        }
    }

    /// A group of the v2 tree that was handed over to the user: ibid makes its own below it, and leaves them empty. On
    /// a machine of v1 trees it has no controllers, which the record says.
    @Test func delegatedGroup() throws {
        try withScratch { scratch in
            let bench = try ScratchUser(.range, in: scratch)
            try bench.commitShell("while read line; do echo $line; done < /proc/self/cgroup")
            let script = """
                set -e
                umount -R /sys/fs/cgroup 2>/dev/null || umount -Rl /sys/fs/cgroup
                mount -t cgroup2 none /sys/fs/cgroup
                group=/sys/fs/cgroup/ibid-test-$$; before=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
                mkdir -p $group/session
                for name in memory cpu pids; do echo +$name > $group/cgroup.subtree_control || true; done 2>/dev/null
                chown -R \(OrdinaryUser.id) $group
                echo $$ > $group/session/cgroup.procs
                status=0; "$@" || status=$?
                (cd $group/session; ls -d ibid* ; ls -d ibid/*/ 2>/dev/null || true) >&2
                echo $$ > $before/cgroup.procs
                find $group -depth -type d -exec rmdir {} ';'
                exit $status
                """
            let run = try bench.call(
                ["submit", ".", "--json"],
                under: ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, "bash"])
            try #require(run.status == 0, "\(run.stdout)\(run.stderr)")
            let host = try JSONReader(run.stdout)["host"]
            #expect(host["cgroup"].string == "v2" && host["limits"].string?.hasPrefix("memory=") == true)
            #expect(run.stderr.hasSuffix("\nibid\nibid-session\n"), "\(run.stderr)")
        }
    }
}

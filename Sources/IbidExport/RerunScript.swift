import IbidModel

/// A plain shell script that does the run again with podman or docker, and compares every digest.
struct RerunScript {
    let evidence: RunEvidence
    /// The file of each input below the payload directory; empty when inputs are not enclosed.
    let inputs: [String: String]

    private var spec: RunSpec { evidence.spec }

    /// The name of a profile's file beside the script.
    static func fileName(_ target: String) -> String { target.split(separator: "/").last.map(String.init) ?? target }

    // MARK: The list of outputs

    /// The list that the script reads: digest, `f` or `l`, and the output's path, octal escapes for what is not plain.
    var outputList: String {
        evidence.result.outputs.compactMap { output in
            output.rawPath.map { "\(output.digest.hex) \(output.kind == .symlink ? "l" : "f") \(Self.octal($0))\n" }
        }.joined()
    }

    private static func octal(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let plain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || "-._/".utf8.contains(byte)
            if plain { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }

    // MARK: What differs from run to run

    /// Options of `create`, one a line.
    private var options: String {
        var options = [
            "--network none --hostname ibid --cap-drop ALL --security-opt no-new-privileges",
            "--tmpfs /tmp:rw,exec,nosuid,nodev,mode=1777 --shm-size 1g --workdir \"$directory\"",
        ]
        if !spec.user.isEmpty { options.append("--user " + ShellWord.quote(spec.user)) }
        if !spec.inputs.isEmpty { options.append("--volume \"$work/inputs:/inputs:ro,z\"") }
        options += evidence.profileFiles.keys.sorted().map {
            "--volume \"$work/profile/\(Self.fileName($0)):\($0):ro,z\""
        }
        options += (spec.devices ?? []).map { "--device " + ShellWord.quote($0) }
        options += spec.environment.sorted { $0.key < $1.key }.map {
            "--env " + ShellWord.quote("\($0.key)=\($0.value)")
        }
        return options.joined(separator: " \\\n    ")
    }

    private var limits: String {
        let limits = spec.limits
        let cores = "\(limits.cpuMillis / 1_000).\(String(1_000 + limits.cpuMillis % 1_000).dropFirst())"
        let count = max(1, (limits.cpuMillis + 999) / 1_000)
        return
            "--memory \(limits.memoryBytes) --memory-swap \(limits.memoryBytes) --pids-limit \(limits.pids) --cpus \(cores)"
            + (spec.determinism == .strict ? " --cpuset-cpus 0-\(count - 1)" : "")
    }

    private var prepareInputs: String {
        spec.inputs.sorted { $0.key < $1.key }.map { name, input in
            let target = "\"$work/inputs/\"" + ShellWord.quote(name)
            guard let file = inputs[name] else {
                let message = "input \(name), sha256 \(input.digest.hex), is not in this archive (export --with-image)"
                return "fail \(ShellWord.quote(message))\n"
            }
            let source = "\"$data\"/" + ShellWord.quote(file)
            switch input.kind {
            case .file: return "cp \(source) \(target)\nchmod 444 \(target)\n"
            case .directory: return "mkdir \(target)\ntar -xf \(source) -C \(target)\n"
            }
        }.joined()
    }

    /// What is said of a strict run that this machine cannot hold still as Ibid did.
    private var strictNotes: String {
        guard spec.determinism == .strict else { return "" }
        let missing = evidence.profileFiles[DeterminismProfile.preload] == nil
        return
            (missing
            ? "note 'the library of the strict profile is not in this archive: clock and randomness are not held still'\n"
            : "")
            + "# Addresses stay where they are if the engine starts the command itself, as podman does.\n"
            + "! command -v setarch >/dev/null || hold=\"setarch $(uname -m) -R\"\n"
    }

    private var ending: String {
        if let code = evidence.result.exitCode { return "compare '<exit status>' \(code) \"$status\"" }
        let reason = ShellWord.quote(evidence.result.reason ?? "no reason given")
        return "note \"the recorded run was killed (\"\(reason)\"); how it ended here, $status, is not compared\""
    }

    /// How long the engine may take: it starts containers slowly, which a run that the limit ended has no use of.
    private var seconds: Int64 { Int64(spec.limits.wallSeconds) + (evidence.result.exitCode == nil ? 5 : 60) }

    private var killed: String {
        evidence.result.exitCode == nil
            ? "\n    note 'that is what it had left when it was killed, not how it ended'" : ""
    }

    private var refusal: String {
        if let ports = spec.ports {
            let list = ports.map(String.init).joined(separator: ", ")
            return "fail 'the run took what came in through port \(list), which nobody recorded: "
                + "it cannot be repeated'\n"
        }
        guard evidence.result.status == .refused else { return "" }
        return
            "fail 'the run was refused, so there is nothing to do again: '\(ShellWord.quote(evidence.result.reason ?? ""))\n"
    }

    private var collect: String {
        // The whole file system can only be had as such.
        spec.workingDirectory == "/"
            ? #""$engine" export "$container" | tar -xf - -C "$work/directory" 2>/dev/null || true"#
            : #""$engine" cp "$container:${directory%/}/." "$work/directory" >/dev/null"#
    }

    private var advice: String {
        spec.determinism == .strict
            ? "\n    note 'process ids and addresses are those of the run under podman with crun; docker has others'"
            : ""
    }

    // MARK: The script

    var text: String {
        let (out, err) = (evidence.result.stdout.hex, evidence.result.stderr.hex)
        return #"""
            #!/bin/sh
            # Does run \#(evidence.run) again with podman or docker, without Ibid, and compares the SHA-256 of all that
            # comes of it with what was recorded. Needs GNU tar and coreutils.
            #
            # usage: sh rerun/run.sh [PROGRAM]     PROGRAM: podman, docker, or another that takes the same commands
            #
            # With the image in the archive ('ibid export --with-image') no network is needed. Without it, the image is built
            # from source/ and rerun/Dockerfile with the packages of today; NETWORK=host gives the steps of the build the
            # host's network. NO_LIMITS=1 leaves out limits that an ordinary user may not be allowed to set.
            #
            # Exit status: 0 the same bytes, 4 something differs, 1 it could not be tried.
            set -eu
            umask 022
            export LC_ALL=C
            image=localhost/ibid-run:\#(evidence.run)
            directory=\#(ShellWord.quote(spec.workingDirectory))

            note() { echo "rerun: $*" >&2; }
            fail() { note "$@"; exit 1; }
            digest() { sha256sum | cut -d ' ' -f 1; }

            \#(refusal)here=$(cd "$(dirname "$0")" && pwd)
            data=$(dirname "$here")
            (cd "$data/.." && sha256sum --quiet --strict -c manifest-sha256.txt >&2) ||
                fail "the files are not those that were exported"
            engine=${1:-$(command -v podman || command -v docker || true)}
            [ -n "$engine" ] || fail "there is neither podman nor docker"
            "$engine" info >/dev/null || fail "'$engine info' does not work here"
            work=$(mktemp -d)
            container=
            clean() {
                [ -z "$container" ] || "$engine" rm -f "$container" >/dev/null
                rm -rf "$work"
            }
            trap clean EXIT
            trap 'exit 1' HUP INT TERM

            # 1. The image.
            if [ -d "$data/oci" ]; then
                # Without index.json both engines read it as what docker save writes, with the name in manifest.json.
                tar -C "$data/oci" -cf - blobs manifest.json | "$engine" load >&2 || fail "the image could not be loaded"
            else
                [ -f "$data/source/tree.tar" ] && [ -f "$here/Dockerfile" ] ||
                    fail "neither the image nor source and Dockerfile are in this archive (export --with-image)"
                note "the image is not in this archive; it is built with the packages of today"
                mkdir "$work/context"
                tar -xf "$data/source/tree.tar" -C "$work/context"
                "$engine" build ${NETWORK:+--network "$NETWORK"} -t "$image" -f "$here/Dockerfile" "$work/context" >&2 ||
                    fail "the image could not be built (NETWORK=host gives the steps of the build the host's network)"
            fi

            # 2. What the run was given: inputs, and the files of its determinism profile.
            chmod 755 "$work"
            mkdir "$work/inputs" "$work/outputs" "$work/profile" "$work/directory"
            chmod 1777 "$work/outputs"
            cp "$here/profile"/* "$work/profile"
            \#(prepareInputs)
            # 3. The run. Its command is process 2, as it was; process 1 is a shell that hands on its exit status.
            set -- \#(spec.command.map(ShellWord.quote).joined(separator: " "))
            entry=$1
            container=$("$engine" create "$image" "$entry")
            if "$engine" cp "$container:/bin/sh" "$work/shell" >/dev/null 2>&1; then
                set -- -c 'exec 3>&2 2>/dev/null; "$@" 2>&3 3>&-; exit $?' sh "$@"
                entry=/bin/sh
            else
                note "the image has no /bin/sh, so the command is process 1"
                shift
            fi
            "$engine" rm "$container" >/dev/null
            container=
            set -- \
                \#(options) \
                --entrypoint "$entry" "$image" "$@"
            [ -n "${NO_LIMITS:-}" ] ||
                set -- \#(limits) "$@"
            # The number of processes is limited by user, too; an engine that asks for more than it has itself fails.
            most=$(awk '/^Max (processes|open files)/ { print $(NF - 1) }' /proc/self/limits 2>/dev/null | grep -v unlimited | sort -n |
                head -n 1)
            [ -z "$most" ] || set -- --ulimit "nproc=$most:$most" "$@"
            container=$("$engine" create --ulimit nofile=\#(spec.limits.openFiles):\#(spec.limits.openFiles) "$@") ||
                fail "$engine could not make the container"
            "$engine" cp "$work/outputs" "$container:/" >/dev/null
            hold=
            \#(strictNotes)$hold timeout --foreground -s KILL \#(seconds) \
                "$engine" start --attach "$container" >"$work/stdout" 2>"$work/stderr" </dev/null || true
            "$engine" kill "$container" >/dev/null 2>&1 || true
            cat "$work/stdout"
            cat "$work/stderr" >&2
            case $("$engine" inspect --format '{{.State.StartedAt}}' "$container") in
            0001-*) fail "$engine could not start the run (NO_LIMITS=1 leaves out limits that a user may not be allowed)" ;;
            esac
            status=$("$engine" inspect --format '{{.State.ExitCode}}' "$container")

            # 4. What came of it. Names are as in outputs.txt: \ooo stands for a byte that is not plain.
            total=0
            different=0
            compare() { # what, recorded, got
                total=$((total + 1))
                if [ "$2" = "$3" ]; then
                    printf 'same       %s\n' "$1"
                else
                    different=$((different + 1))
                    printf 'DIFFERENT  %s: %s, recorded %s\n' "$1" "$3" "$2"
                fi
            }
            \#(collect)
            "$engine" cp "$container:/outputs/." "$work/outputs" >/dev/null
            chmod -R u+rwX "$work/directory" "$work/outputs"
            while read -r sum kind name; do
                path=$(printf "/$name/") # the slash keeps a line feed at the end
                path=${path%/}
                case $path in
                //outputs/*) path=$work${path#/} ;;
                *) path=$work/directory$path ;;
                esac
                got=missing
                if [ "$kind" = l ]; then
                    [ ! -L "$path" ] || got=$(readlink -n "$path" | digest)
                elif [ -f "$path" ] && [ ! -L "$path" ]; then
                    got=$(digest <"$path")
                fi
                compare "$name" "$sum" "$got"
            done <"$here/outputs.txt"
            compare '<stdout>' \#(out) "$(digest <"$work/stdout")"
            compare '<stderr>' \#(err) "$(digest <"$work/stderr")"
            \#(ending)
            if [ "$different" = 0 ]; then
                echo "verdict: identical ($total compared)"\#(killed)
            else
                echo "verdict: different ($different of $total)"\#(advice)
                exit 4
            fi

            """#
    }
}

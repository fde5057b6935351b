import IbidModel

/// A plain shell script that does the run again with podman or docker, and compares every digest.
struct RerunScript {
    let evidence: RunEvidence
    /// The file of each input below the payload directory; empty when inputs are not enclosed.
    let inputs: [String: String]

    /// The list that the script reads: digest, `f` or `l`, and the path in the container in octal escapes.
    var outputList: String {
        evidence.result.outputs.compactMap { output in
            guard let raw = output.rawPath else { return nil }
            let place =
                raw.first == UInt8(ascii: "/")
                ? raw : Array(evidence.spec.workingDirectory.utf8) + [UInt8(ascii: "/")] + raw
            let member = place.split(separator: UInt8(ascii: "/")).joined(separator: [UInt8(ascii: "/")])
            return "\(output.digest.hex) \(output.kind == .symlink ? "l" : "f") \(Self.octal(Array(member)))\n"
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

    private var options: [String] {
        let spec = evidence.spec
        var options = ["--network none", "--hostname ibid", "--workdir " + ShellWord.quote(spec.workingDirectory)]
        if !spec.user.isEmpty { options.append("--user " + ShellWord.quote(spec.user)) }
        options += spec.environment.sorted { $0.key < $1.key }.map {
            "--env " + ShellWord.quote("\($0.key)=\($0.value)")
        }
        for name in spec.inputs.keys.sorted() {
            options.append(
                "--volume \"$work/inputs/\"" + ShellWord.quote(name) + ":/inputs/" + ShellWord.quote(name) + ":ro")
        }
        options.append("--entrypoint " + ShellWord.quote(spec.command.first ?? ""))
        return options
    }

    private var prepareInputs: String {
        evidence.spec.inputs.sorted { $0.key < $1.key }.map { name, input in
            let target = "\"$work/inputs/\"" + ShellWord.quote(name)
            guard let file = inputs[name] else {
                return """
                    echo "rerun: input \(name.filter { $0.isASCII && $0.isLetter || $0.isNumber }) is not in this archive: \
                    sha256 \(input.digest.hex)" >&2; exit 1

                    """
            }
            let source = "\"$data\"/" + ShellWord.quote(file)
            switch input.kind {
            case .file: return "cp \(source) \(target)\n"
            case .directory: return "mkdir \(target) && tar -xf \(source) -C \(target)\n"
            }
        }.joined()
    }

    var text: String {
        let limits = evidence.spec.limits
        let words = evidence.spec.command.dropFirst().map { " " + ShellWord.quote($0) }.joined()
        let (out, err) = (evidence.result.stdout.hex, evidence.result.stderr.hex)
        let ending = evidence.result.exitCode.map(String.init) ?? "?"
        return #"""
            #!/bin/sh
            # Does run \#(evidence.run) again with podman or docker, without Ibid, and compares what comes of it.
            # usage: rerun/run.sh [podman|docker|another program that takes the same commands]
            # With the image in the archive it needs no network; without it the image is built from source/ and Dockerfile,
            # and then its bytes are those of today's packages. NO_LIMITS=1 leaves the limits out.
            # Exit status: 0 the same bytes, 4 something differs, 1 it could not be tried.
            set -eu
            here=$(cd "$(dirname "$0")" && pwd)
            data=$(dirname "$here")
            engine=${1:-}
            [ -n "$engine" ] || for name in podman docker; do
                if command -v "$name" >/dev/null; then engine=$name; break; fi
            done
            [ -n "$engine" ] || { echo "rerun: there is neither podman nor docker" >&2; exit 1; }
            work=$(mktemp -d)
            container=
            trap '[ -z "$container" ] || "$engine" rm -f "$container" >/dev/null; rm -rf "$work"' EXIT
            image=localhost/ibid-run:\#(evidence.run)

            if [ -d "$data/oci" ]; then
                # Without index.json both engines read it as what docker save writes, and take the name from manifest.json.
                tar -C "$data/oci" -cf - blobs manifest.json | "$engine" load >&2
            else
                mkdir "$work/context"
                tar -xf "$data/source/tree.tar" -C "$work/context"
                "$engine" build -t "$image" -f "$here/Dockerfile" "$work/context" >&2
            fi

            mkdir "$work/inputs" "$work/outputs" "$work/root"
            chmod 755 "$work" "$work/inputs"
            \#(prepareInputs)
            set --
            [ -n "${NO_LIMITS:-}" ] || set -- --memory \#(limits.memoryBytes) --pids-limit \#(limits.pids) \
                --ulimit nofile=\#(limits.openFiles):\#(limits.openFiles)
            container=$("$engine" create "$@" \
                \#(options.joined(separator: " \\\n    ")) \
                "$image"\#(words))
            "$engine" cp "$work/outputs" "$container:/" >/dev/null
            status=0
            "$engine" start --attach "$container" >"$work/stdout" 2>"$work/stderr" || status=$?
            cat "$work/stdout"; cat "$work/stderr" >&2

            same=0
            compare() { # what, expected, got
                if [ "$2" = "$3" ]; then echo "same      $1"; else echo "DIFFERENT $1: $3, recorded $2"; same=4; fi
            }
            digest() { sha256sum | cut -d' ' -f1; }
            while read -r sum kind member; do printf "$member\\0"; done <"$here/outputs.txt" >"$work/names"
            # A name that is not there is reported below.
            "$engine" export "$container" | tar -xf - -C "$work/root" --null -T "$work/names" 2>/dev/null || true
            while read -r sum kind member; do
                path=$work/root/$(printf "$member"; echo x)
                path=${path%x}
                if [ "$kind" = l ]; then
                    got=$(readlink -n "$path" | digest)
                elif [ -f "$path" ] && [ ! -L "$path" ]; then
                    got=$(digest <"$path")
                else
                    got=missing
                fi
                compare "$member" "$sum" "$got"
            done <"$here/outputs.txt"
            compare stdout \#(out) "$(digest <"$work/stdout")"
            compare stderr \#(err) "$(digest <"$work/stderr")"
            compare "exit status" \#(ShellWord.quote(ending)) "$status"
            exit $same

            """#
    }
}

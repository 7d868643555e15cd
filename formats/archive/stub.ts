// The script in front of a self-extracting archive: FORMAT.md, section 11. POSIX.1-2017 shell, with dd, tail, head, tar and sha256sum.
import type { Digest } from '../../bom/digest.ts';
import { hexOf } from '../../bom/digest.ts';

/** The script with its padding: the tar starts here. A multiple of the alignment, so that content stays aligned. */
export const stubBytes = 8192;

export interface StubFacts {
  readonly project: string;
  readonly sequence: number;
  /** Of the tar behind the script. */
  readonly size: number;
  readonly sha256: Digest;
  /** Bytes from the start of the tar to the end of member 3: what has to be read to start longshore. */
  readonly runtimeEnd: number;
  /** linux-x64, …: what longshore/bin holds. */
  readonly platforms: readonly string[];
  /** Names of the files that each platform has there. Not every tar takes a folder's name for all that is in it (busybox does not). */
  readonly files: readonly string[];
}

const marker = /^#!\/bin\/sh\n# longshore archive: (\d{1,16}) bytes from byte 8192, sha256 ([0-9a-f]{64})\n/;

/** What the first bytes of a self-extracting archive say; `undefined` for another file. */
export function parseStub(start: Uint8Array): { readonly size: number; readonly sha256: string } | undefined {
  const [, size, sha256] = marker.exec(new TextDecoder('latin1').decode(start.subarray(0, 256))) ?? [];
  return size === undefined || sha256 === undefined ? undefined : { size: Number(size), sha256 };
}

/** The script, filled up with line feeds to {@link stubBytes}. It says `exit` before its end, so that no shell reads on into the tar. */
export function renderStub(facts: StubFacts): Uint8Array {
  const text = script(facts);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > stubBytes) throw new RangeError(`a script of ${bytes.length} bytes`);
  return Buffer.concat([bytes, Buffer.alloc(stubBytes - bytes.length, '\n')]);
}

/** In single quotes for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function script({ project, sequence, size, sha256, runtimeEnd, platforms, files }: StubFacts): string {
  return `#!/bin/sh
# longshore archive: ${size} bytes from byte ${stubBytes}, sha256 ${hexOf(sha256)}
# An archive of longshore behind a small script. \`sh FILE --help\` says what it can do; longshore reads the file as it is, and
# \`tail -c +${stubBytes + 1} FILE | tar xf -\` unpacks it.
# One compound command with two ways out: a shell reads all of it before it runs any of it, so that no damaged byte makes it run the tar behind.
if :; then
name=${quoted(`${project}, sequence ${sequence}`)}
offset=${stubBytes}
size=${size}
sha256=${hexOf(sha256)}
runtime_end=${runtimeEnd}
platforms=${quoted(platforms.join(' '))}
self=$0

fail() { echo "longshore: $1" >&2; exit "$2"; }

usage() {
  cat <<EOF
$name: $size bytes, with longshore for: \${platforms:-no platform}
  sh $self --check               compare the archive with its sha256: says that it is whole, not who made it
  sh $self --check FLAGS         check content and signature (longshore verify)
  sh $self --import [FLAGS]      take it into this machine's store (longshore import)
  sh $self --serve [FLAGS]       serve it straight from this file (longshore serve)
  sh $self --run COMMAND [ARGS]  any other command of longshore
  sh $self --extract [FOLDER]    unpack everything with tar
Flags are those of the longshore command, such as --key KEY.asc or --allow-unsigned.
EOF
}

check() {
  actual=$(wc -c < "$self" | tr -d ' ')
  [ "$actual" -eq $((offset + size)) ] || fail "$self has $actual bytes and should have $((offset + size)): it was cut or something was appended" 5
  actual=$(tail -c +$((offset + 1)) "$self" | sha256sum | cut -d ' ' -f 1)
  [ "$actual" = "$sha256" ] || fail "$self is damaged: expected sha256 $sha256, got $actual" 5
  echo "$name: $size bytes, sha256 good. This proves that the archive is whole, not who made it: for that, run a longshore of your own: longshore verify $self --key KEY.asc"
}

start() {
  command=$1
  shift
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    *) platform=none ;;
  esac
  case " $platforms " in
    *" $platform "*) ;;
    *) command -v longshore > /dev/null || fail "the archive holds longshore for \${platforms:-no platform}, this machine is $(uname -s) $(uname -m), and no longshore is installed" 2
       exec longshore "$command" "$self" "$@" ;;
  esac
  work=$(mktemp -d "\${TMPDIR:-/tmp}/longshore.XXXXXXXX") || exit 6
  trap 'rm -rf "$work"' EXIT
  trap 'kill -TERM "$child" 2> /dev/null' INT TERM HUP
  { tail -c +$((offset + 1)) "$self" 2> /dev/null | head -c "$runtime_end"; dd if=/dev/zero bs=1024 count=1 2> /dev/null; } |
    (cd "$work" && tar xf -${files.map((file) => ` "longshore/bin/$platform/${file}"`).join('')}) || fail "cannot unpack longshore below $work" 6
  "$work/longshore/bin/$platform/node" --version > /dev/null || fail "cannot start longshore below $work: it needs glibc 2.28 or newer, and with TMPDIR a folder whose files may be run" 6
  case $command in
    run) "$work/longshore/bin/$platform/longshore" "$@" & ;;
    *) "$work/longshore/bin/$platform/longshore" "$command" "$self" "$@" & ;;
  esac
  child=$!
  status=0
  wait "$child" || status=$?
  # A signal ends the first wait; the second one gives the child's own status.
  if kill -0 "$child" 2> /dev/null; then status=0; wait "$child" || status=$?; fi
  exit "$status"
}

mode=\${1:---help}
[ $# -eq 0 ] || shift
case $mode in
  --check) if [ $# -eq 0 ]; then check; else start verify "$@"; fi ;;
  --import) start import "$@" ;;
  --serve) start serve "$@" ;;
  --run) start run "$@" ;;
  --extract) mkdir -p "\${1:-.}" && tail -c +$((offset + 1)) "$self" | (cd "\${1:-.}" && tar xf -) || exit 6 ;;
  --help | -h) usage ;;
  *) usage >&2; exit 2 ;;
esac
exit $?
exit 5
fi
`;
}

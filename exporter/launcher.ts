/** The script `longshore/bin/<platform>/longshore`: POSIX shell. `id` tells versions of the program apart. */
export function renderLauncher(id: string): string {
  return `#!/bin/sh
# Starts the longshore that travels in this archive with the Node beside it. Its program is unpacked once: beside this script, or below
# the user's cache folder when that cannot be written.
fail() { echo "longshore: $1" >&2; exit 6; }
case $0 in */*) here=\${0%/*} ;; *) here=. ;; esac
here=$(CDPATH= cd -- "$here/" && pwd) || exit 6
if [ -w "$here" ]; then base=$here
elif [ -n "\${XDG_CACHE_HOME:-}" ]; then base=$XDG_CACHE_HOME/longshore-runtime
elif [ -n "\${HOME:-}" ] && [ -w "$HOME" ]; then base=$HOME/.cache/longshore-runtime
else fail "cannot write to $here and there is no home folder: set XDG_CACHE_HOME to a folder that can be written"
fi
program=$base/program-${id}
if [ ! -e "$program/ready" ]; then
  work=$program.$$
  rm -rf "$work"
  mkdir -p "$work" && tar xf "$here/program.tar" -C "$work" && tar xf "$here/native.tar" -C "$work" && : > "$work/ready" || fail "cannot unpack the program to $work"
  mv "$work" "$program" 2> /dev/null
  # Another process may have been faster; then its copy is as good.
  [ -e "$program/ready" ] || fail "cannot move the program to $program"
  rm -rf "$work"
fi
exec "$here/node" --disable-warning=ExperimentalWarning --max-semi-space-size=4 "$program/bin/longshore.js" "$@"
`;
}

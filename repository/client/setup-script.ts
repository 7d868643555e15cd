import { digestOf, hexOf } from '../../bom/digest.ts';
import { type ClientFile, quote } from './client-files.ts';

export interface SetupScriptOptions {
  readonly origin: string;
  /** true: the script takes other apt sources away without being told to. */
  readonly exclusive: boolean;
  readonly files: readonly ClientFile[];
}

/**
 * `/client/setup.sh`: a POSIX shell script that points one machine here, and back again. It holds every byte that it writes. What was there before is
 * kept below /var/lib/longshore-client before anything changes, each change is one rename, and `teardown` puts back content, mode and owner; so it may
 * be stopped at any moment and run again.
 */
export function setupScript({ origin, exclusive, files }: SetupScriptOptions): string {
  const writes = files.map((file) => {
    // A delimiter that cannot be a line of the content.
    const end = `END-${hexOf(digestOf(file.content)).slice(0, 16)}`;
    const content = file.content.endsWith('\n') ? file.content : `${file.content}\n`;
    return `if wanted ${file.part} && { ${file.when}; }; then
${file.merge === true ? 'merge' : 'put'} ${quote(file.path)} <<'${end}'
${content}${end}
fi
`;
  });
  return `${head.replaceAll('@ORIGIN@', origin).replaceAll('@EXCLUSIVE@', exclusive ? 'yes' : 'no')}
setup() {
${writes.join('')}
if [ "$exclusive" = yes ] && wanted apt && [ -d "$root/etc/apt" ]; then
  for file in "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list "$root"/etc/apt/sources.list.d/*.sources; do
    case \${file##*/} in longshore-*.sources) ;; *) [ ! -f "$file" ] || take_away "\${file#"$root"}" ;; esac
  done
fi
refresh
}
${tail.replaceAll('@ORIGIN@', origin).replaceAll('@HOST@', origin.replace(/^https?:\/\//, ''))}`;
}

const head = `#!/bin/sh
# Points this machine at @ORIGIN@, and back again:
#   setup.sh [--target ID] [--only PART[,PART]] [--exclusive] [--dry-run]
#   setup.sh teardown
#   setup.sh audit        what this machine would still fetch elsewhere; status 3 when there is anything
# Parts: ca, apt, containerd, containers (podman, CRI-O), docker, k3s, rke2. --exclusive takes other apt sources away until teardown.
set -eu
umask 022
root=\${LONGSHORE_ROOT:-}
keep=$root/var/lib/longshore-client
action=setup; target=; only=; exclusive=@EXCLUSIVE@; dry=no

fail() { echo "longshore: $*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    teardown|audit) action=$1 ;;
    --target) [ $# -gt 1 ] || fail '--target needs an id'; target=$2; shift ;;
    --only) [ $# -gt 1 ] || fail '--only needs parts'; only=,$2,; shift ;;
    --exclusive) exclusive=yes ;;
    --dry-run) dry=yes ;;
    *) fail "unknown argument: $1" ;;
  esac
  shift
done
[ -n "$root" ] || [ "$dry" = yes ] || [ "$action" = audit ] || [ "$(id -u)" = 0 ] || fail 'run as root'

os=; release=; codename=; arch=
if [ -r "$root/etc/os-release" ]; then
  os=$(. "$root/etc/os-release"; echo "\${ID:-}"); release=$(. "$root/etc/os-release"; echo "\${VERSION_ID:-}"); codename=$(. "$root/etc/os-release"; echo "\${VERSION_CODENAME:-}")
fi
if command -v dpkg >/dev/null 2>&1; then arch=$(dpkg --print-architecture); else
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
fi

wanted() { [ -z "$only" ] || case $only in *,"$1",*) true ;; *) false ;; esac; }

# Keeps what is at path $1 once, before its first change. The list is written last: what it names is kept whole.
remember() {
  mkdir -p "$keep/files$(dirname "$1")"; touch "$keep/list"
  if ! grep -Fqx -e "had $1" -e "made $1" "$keep/list"; then
    if [ -e "$root$1" ] || [ -L "$root$1" ]; then cp -pP "$root$1" "$keep/files$1"; echo "had $1" >> "$keep/list"; else echo "made $1" >> "$keep/list"; fi
  fi
}

# Writes stdin to path $1, when that changes anything.
put() {
  if [ "$dry" = yes ]; then echo "would write $1"; cat >/dev/null; return 0; fi
  mkdir -p "$root$(dirname "$1")"
  cat > "$root$1.longshore-new"
  if [ -f "$root$1" ] && cmp -s "$root$1" "$root$1.longshore-new"; then rm "$root$1.longshore-new"; return 0; fi
  remember "$1"
  chmod 644 "$root$1.longshore-new"; mv -f "$root$1.longshore-new" "$root$1"; echo "wrote $1"
}

# Adds the keys of the JSON object on stdin to the one at path $1.
merge() {
  if [ ! -s "$root$1" ]; then put "$1"; return 0; fi
  if ! command -v python3 >/dev/null 2>&1; then echo "add this to $1 by hand (no python3 here to do it):"; cat; return 0; fi
  addition=$(cat)
  merged=$(python3 -c '
import json, sys
old = json.load(open(sys.argv[1]))
for key, values in json.loads(sys.argv[2]).items():
    had = old.get(key, [])
    old[key] = [v for v in values if v not in had] + had
print(json.dumps(old, indent=2))' "$root$1" "$addition") || fail "$1 is no JSON object"
  printf '%s\\n' "$merged" | put "$1"
}

take_away() {
  if [ "$dry" = yes ]; then echo "would take $1 away"; return 0; fi
  remember "$1"; rm -f "$root$1"; echo "took $1 away"
}

refresh() {
  [ "$dry" = no ] && [ -z "$root" ] || return 0
  if wanted ca; then
    if command -v update-ca-certificates >/dev/null 2>&1; then update-ca-certificates >/dev/null; fi
    if command -v update-ca-trust >/dev/null 2>&1; then update-ca-trust; fi
  fi
  echo 'Restart docker, k3s or rke2 where they run; containerd reads certs.d by itself when its config_path names it.'
}
`;

const tail = `
teardown() {
  [ -f "$keep/list" ] || { echo 'nothing to undo'; return 0; }
  while read -r how path; do
    if [ "$dry" = yes ]; then echo "would restore $path"; continue; fi
    if [ "$how" = had ]; then
      mkdir -p "$root$(dirname "$path")"
      cp -pP "$keep/files$path" "$root$path.longshore-old"; mv -f "$root$path.longshore-old" "$root$path"
    else
      rm -f "$root$path"; rmdir -p "$root$(dirname "$path")" 2>/dev/null || true
    fi
    echo "restored $path"
  done < "$keep/list"
  [ "$dry" = yes ] || rm -rf "$keep"
  refresh
}

# Says what leads elsewhere: one line each.
elsewhere() {
  grep -HE '^[[:space:]]*deb' "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list 2>/dev/null | grep -vF '@ORIGIN@/' || true
  for file in "$root"/etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || grep -qiE '^Enabled:[[:space:]]*no' "$file" || grep -HiE '^URIs:' "$file" | grep -vF '@ORIGIN@/' || true
  done
  for file in "$root"/etc/yum.repos.d/*.repo "$root"/etc/zypp/repos.d/*.repo; do
    [ ! -f "$file" ] || grep -qE '^enabled[[:space:]]*=[[:space:]]*0' "$file" || grep -HE '^(baseurl|mirrorlist|metalink)[[:space:]]*=' "$file" | grep -vF '@ORIGIN@/' || true
  done
  if [ -d "$root/etc/containerd" ]; then
    [ -f "$root/etc/containerd/certs.d/_default/hosts.toml" ] || echo "containerd: registries without a folder in $root/etc/containerd/certs.d are asked directly"
    for file in "$root"/etc/containerd/certs.d/*/hosts.toml; do
      [ ! -f "$file" ] || grep -HE '^[[:space:]]*(server[[:space:]]*=|\\[host\\.)' "$file" | grep -vF '"@ORIGIN@"' || true
    done
  fi
  for file in "$root/etc/containers/registries.conf" "$root"/etc/containers/registries.conf.d/*.conf; do
    [ ! -f "$file" ] || grep -HE '^[[:space:]]*(location|unqualified-search-registries)[[:space:]]*=' "$file" | grep -vF '"@HOST@' || true
  done
  if [ -d "$root/etc/docker" ]; then
    grep -qF '@ORIGIN@' "$root/etc/docker/daemon.json" 2>/dev/null || echo "docker: $root/etc/docker/daemon.json does not name @ORIGIN@"
  fi
}

audit() {
  found=$(elsewhere)
  if [ -z "$found" ]; then echo 'nothing leads elsewhere'; return 0; fi
  printf '%s\n' "$found"
  return 3
}

$action
`;

// The first part of /client/setup.sh: arguments, and how files are changed and put back. POSIX shell; `@NAME@` is filled in by setupScript.

/** Up to the functions that change files. */
export const scriptHead = `#!/bin/sh
# Points this machine at @ORIGIN@, and back again:
#   setup.sh [--target ID] [--only PART[,PART]] [--exclusive] [--dry-run]
#   setup.sh teardown [--dry-run]
#   setup.sh audit [--only PART[,PART]]   what this machine would still fetch elsewhere; status 3 when there is anything
# Parts: ca, apt, dnf, zypper, containerd, containers (podman, CRI-O), docker, k3s, rke2. --exclusive takes other package sources away until teardown.
set -eu
umask 022
root=\${LONGSHORE_ROOT:-}
keep=$root/var/lib/longshore-client
action=@ACTION@; target=; only=; exclusive=@EXCLUSIVE@; dry=no; byhand=
parts='@PARTS@'
targets=@TARGETS@

fail() { echo "longshore: $*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    setup|teardown|audit) action=$1 ;;
    --target) [ $# -gt 1 ] || fail '--target needs an id'; target=$2; shift ;;
    --only) [ $# -gt 1 ] || fail '--only needs parts'; only=,$2,; shift ;;
    --exclusive) exclusive=yes ;;
    --dry-run) dry=yes ;;
    *) fail "unknown argument: $1" ;;
  esac
  shift
done
among() { case " $2 " in *" $1 "*) true ;; *) false ;; esac; }
[ "$only" != ,, ] || fail '--only needs parts'
rest=$only
while [ -n "$rest" ]; do
  part=\${rest%%,*}; rest=\${rest#*,}
  case $part in '') ;; *[!a-z0-9]*) among no yes ;; *) among "$part" "$parts" ;; esac || fail "--only $part is no part; there are: $parts"
done
[ -z "$only" ] || [ "$action" != teardown ] || fail 'teardown puts back everything: --only is for setup and audit'
[ -z "$target" ] || among "$target" "$targets" || fail "--target $target is not here; there are: \${targets:-none}"
[ -n "$root" ] || [ "$dry" = yes ] || [ "$action" = audit ] || [ "$(id -u)" = 0 ] || fail 'run as root'
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
: > "$work/wanted"; : > "$work/changes"; : > "$work/away"; : > "$work/mixed"

os=; like=; release=; codename=; arch=
if [ -r "$root/etc/os-release" ]; then
  os=$(. "$root/etc/os-release"; echo "\${ID:-}"); like=" $(. "$root/etc/os-release"; echo "\${ID_LIKE:-}") "
  release=$(. "$root/etc/os-release"; echo "\${VERSION_ID:-}"); codename=$(. "$root/etc/os-release"; echo "\${VERSION_CODENAME:-}")
fi
if command -v dpkg >/dev/null 2>&1; then arch=$(dpkg --print-architecture); else
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
fi

wanted() { [ -z "$only" ] || case $only in *,"$1",*) true ;; *) false ;; esac; }

# What is to be at path $1: stdin. Nothing changes before apply.
put() {
  if grep -Fqx -e "$1" "$work/wanted"; then cat > /dev/null; return 0; fi
  echo "$1" >> "$work/wanted"
  mkdir -p "$work/new$(dirname "$1")"; cat > "$work/new$1"
  [ -f "$root$1" ] && cmp -s "$root$1" "$work/new$1" || echo "$1" >> "$work/changes"
}

# Adds the keys of the JSON object on stdin to the one at path $1.
merge() {
  cat > "$work/addition"
  # What is ours as it was written is merged anew from what was there before.
  old=$root$1
  if [ -f "$keep/ours$1" ] && cmp -s "$keep/ours$1" "$root$1"; then old=$keep/files$1; fi
  if [ ! -s "$old" ]; then put "$1" < "$work/addition"; return 0; fi
  if command -v python3 >/dev/null 2>&1; then
    python3 -c '
import json, sys
old = json.load(open(sys.argv[1]))
for key, values in json.load(open(sys.argv[2])).items():
    had = old.get(key, [])
    old[key] = [v for v in values if v not in had] + had
print(json.dumps(old, indent=2))' "$old" "$work/addition" > "$work/merged" || fail "$1 is no JSON object"
  elif command -v jq >/dev/null 2>&1; then
    jq -s '.[0] as $old | reduce (.[1] | to_entries[]) as $e ($old; .[$e.key] = ($e.value - ($old[$e.key] // [])) + ($old[$e.key] // []))' "$old" "$work/addition" > "$work/merged" || fail "$1 is no JSON object"
  elif sed -n 's/^  \\("[^"]*":\\).*/\\1/p' "$work/addition" | grep -qF -f - "$old"; then
    echo "add this to $1 by hand (neither python3 nor jq is here to do it):"; cat "$work/addition"; byhand=$1; return 0
  else
    # None of the keys is there yet: they go before the last brace.
    awk -v addition="$work/addition" '
      { text = text $0 "\\n" }
      END {
        gsub(/^[ \\t\\r\\n]+|[ \\t\\r\\n]+$/, "", text)
        if (text !~ /^\\{/ || text !~ /\\}$/ || length(text) < 2) exit 1
        text = substr(text, 1, length(text) - 1); sub(/[ \\t\\r\\n]+$/, "", text)
        printf "%s%s", text, (text ~ /^\\{[ \\t\\r\\n]*$/ ? "" : ",")
        while ((getline line < addition) > 0) if (line !~ /^[{}]/) printf "\\n%s", line
        print "\\n}"
      }' "$old" > "$work/merged" || fail "$1 is no JSON object"
  fi
  echo "$1" >> "$work/mixed"
  put "$1" < "$work/merged"
}

take_away() { echo "$1" >> "$work/away"; }

# Other people's package sources: files $2... but ours.
take_others() {
  wanted "$1" || return 0
  shift
  for file in "$@"; do
    case \${file##*/} in longshore-*) ;; *) [ ! -f "$file" ] || take_away "\${file#"$root"}" ;; esac
  done
}

# Keeps what is at path $1 once, before its first change. Its line in the list comes last: what the list names is kept whole.
remember() {
  # Files of others lie here, secrets of theirs in some.
  mkdir -p "$keep"; chmod 700 "$keep"; mkdir -p "$keep/files$(dirname "$1")"; touch "$keep/list"
  if grep -Fqx -e "had $1" -e "made $1" "$keep/list"; then return 0; fi
  parent=$(dirname "$1"); missing=
  while [ ! -d "$root$parent" ]; do missing="dir $parent
$missing"; parent=$(dirname "$parent"); done
  printf '%s' "$missing" >> "$keep/list"
  if [ -e "$root$1" ] || [ -L "$root$1" ]; then cp -pP "$root$1" "$keep/files$1"; echo "had $1" >> "$keep/list"; else echo "made $1" >> "$keep/list"; fi
}

# Everything is kept and on the disk before anything changes; each change is one rename.
apply() {
  if [ -z "$only" ] && [ -f "$keep/list" ]; then release_unwanted; fi
  if [ "$dry" = yes ]; then sed 's/^/would write /' "$work/changes"; sed 's/^/would take away /' "$work/away"; return 0; fi
  [ -s "$work/changes" ] || [ -s "$work/away" ] || return 0
  while read -r path; do remember "$path"; done < "$work/changes"
  while read -r path; do remember "$path"; done < "$work/away"
  sync
  while read -r path; do
    mkdir -p "$root$(dirname "$path")" "$keep/ours$(dirname "$path")"
    cp "$work/new$path" "$keep/ours$path"
    new=$root$path.longshore-new
    # What keeps something of its owner's keeps who may read it.
    if grep -Fqx -e "$path" "$work/mixed" && [ -f "$root$path" ]; then cp -p "$root$path" "$new"; cat "$work/new$path" > "$new"; else cp "$work/new$path" "$new"; chmod 644 "$new"; fi
    mv -f "$new" "$root$path"; echo "wrote $path"
  done < "$work/changes"
  while read -r path; do rm -f "$root$path"; echo "took away $path"; done < "$work/away"
}

# What an earlier run changed and this one does not want any more is as it was before.
release_unwanted() {
  : > "$work/list"
  while read -r how path; do
    if [ "$how" = dir ] || grep -Fqx -e "$path" "$work/wanted" "$work/away" || { [ "$exclusive" = yes ] && [ "$how" = had ] && [ ! -e "$root$path" ]; }; then echo "$how $path" >> "$work/list"; continue; fi
    restore "$how" "$path"
  done < "$keep/list"
  if [ "$dry" = no ] && ! cmp -s "$work/list" "$keep/list"; then cp "$work/list" "$keep/list.new"; mv -f "$keep/list.new" "$keep/list"; fi
}

restore() {
  if [ "$dry" = yes ]; then echo "would restore $2"; return 0; fi
  if [ -f "$keep/ours$2" ] && [ -f "$root$2" ] && ! cmp -s "$keep/ours$2" "$root$2" && ! cmp -s "$keep/files$2" "$root$2"; then
    cp -pP "$root$2" "$root$2.longshore-changed"; echo "note: $2 was changed since; that is kept as $2.longshore-changed"
  fi
  if [ "$1" = had ]; then
    mkdir -p "$root$(dirname "$2")"
    cp -pP "$keep/files$2" "$root$2.longshore-old"; mv -f "$root$2.longshore-old" "$root$2"
  else
    rm -f "$root$2"
  fi
  rm -f "$root$2.longshore-new"
  echo "restored $2"
}

refresh() {
  [ "$dry" = no ] && [ -z "$root" ] || return 0
  if command -v restorecon >/dev/null 2>&1; then restorecon -RF /etc/yum.repos.d /etc/pki /etc/containers /etc/docker >/dev/null 2>&1 || true; fi
  if wanted ca; then
    if command -v update-ca-certificates >/dev/null 2>&1; then update-ca-certificates >/dev/null 2>&1; fi
    if command -v update-ca-trust >/dev/null 2>&1; then update-ca-trust; fi
  fi
  if [ -s "$work/changes" ]; then echo 'Restart docker, k3s or rke2 where they run; containerd reads certs.d by itself when its config_path names it.'; fi
}
`;

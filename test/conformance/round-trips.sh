#!/bin/sh
# Registry -> lock -> archive -> serve -> clients, and archive -> publish -> registry, with zot as the registry and crane, regctl and oras as the clients; digests are compared at each step.
#
#   round-trips.sh FOLDER      called by run.sh, with the programs on the PATH; leaves its files in FOLDER
set -eu
folder=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder/home"
cd "$folder"
export HOME="$folder/home"
started=
stop() { for each in $started; do kill "$each" 2>/dev/null && wait "$each" 2>/dev/null || true; done; }
trap stop EXIT
trap 'exit 130' INT TERM
fail() { echo "round trip: $*" >&2; exit 1; }
same() { [ "$2" = "$3" ] || fail "$1: $2 became $3"; }
longshore() { "$root/bin/longshore" "$@" --no-progress >> longshore.log 2>&1 || { tail -20 longshore.log >&2; fail "longshore $1"; }; }

zot_port=$("$root/bin/pinned-node" -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })")
zot=127.0.0.1:$zot_port
printf '{"distSpecVersion": "1.0.1-dev", "storage": {"rootDirectory": "%s/zot"}, "http": {"address": "127.0.0.1", "port": "%s"}, "log": {"level": "error"}}\n' "$folder" "$zot_port" > zot.json
zot serve zot.json > zot.log 2>&1 &
started=$!
for _ in $(seq 100); do crane catalog --insecure "$zot" > catalog 2>/dev/null && break; kill -0 "$started" 2>/dev/null || { cat zot.log >&2; exit 1; }; sleep 0.1; done

# Two platforms that share a layer larger than one request of some proxies, an index over them, and an artifact.
for part in shared amd64 arm64; do head -c 12000000 /dev/urandom > "$part"; tar cf "$part.tar" "$part"; done
for arch in amd64 arm64; do
  crane append --insecure --oci-empty-base --new_layer shared.tar --new_layer "$arch.tar" --new_tag "$zot/team/tool:$arch" > pushed.log 2>&1 || { cat pushed.log >&2; exit 1; }
  crane mutate --insecure --set-platform "linux/$arch" "$zot/team/tool:$arch" -t "$zot/team/tool:$arch" > pushed.log 2>&1
done
crane index append --insecure -m "$zot/team/tool:amd64" -m "$zot/team/tool:arm64" -t "$zot/team/tool:1" > pushed.log 2>&1
echo note > note.txt
oras push --plain-http "$zot/team/note:1" --artifact-type application/vnd.example.note note.txt:text/plain > pushed.log

printf 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: whole, version: "1"}\nspec:\n  images:\n    - {ref: "%s/team/tool:1", platforms: [all]}\n    - {ref: "%s/team/note:1", platforms: [all]}\n' "$zot" "$zot" > whole.yaml
printf 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: sparse, version: "1"}\nspec: {images: [{ref: "%s/team/tool:1", platforms: [linux/amd64]}]}\n' "$zot" > sparse.yaml
tool=$(crane digest --insecure "$zot/team/tool:1")
note=$(oras resolve --plain-http "$zot/team/note:1")

for set in whole sparse; do
  longshore lock -f "$set.yaml" --lock "$set.json" --store "store-$set" --insecure-registry "$zot"
  longshore download --lock "$set.json" --store "store-$set" --insecure-registry "$zot"
  longshore export --lock "$set.json" --store "store-$set" -o "$set.tar"
  "$root/bin/longshore" serve "$set.tar" --allow-unsigned --listen 127.0.0.1:0 --json > "$set.serve.json" 2> "$set.serve.log" &
  server=$!
  started="$started $server"
  for _ in $(seq 300); do [ -s "$set.serve.json" ] && break; kill -0 "$server" 2>/dev/null || { cat "$set.serve.log" >&2; exit 1; }; sleep 0.1; done
  served=$(sed -n 's/.*"http:\/\/\([^"]*\)".*/\1/p' "$set.serve.json" | head -1)
  name="$served/$(echo "$zot" | tr : _)/team/tool:1"
  same "$set, served" "$tool" "$(crane digest --insecure "$name")"
  longshore publish "$set.tar" --allow-unsigned --registry "$zot" --insecure-registry "$zot" --rewrite-indexes --record "$set.record" --name-template "$set/{name}"
  # A zot that collects garbage takes no sparse index: what stands there in its place is on record.
  there=$(sed -n 's/.*"to":"\([^"]*\)".*/\1/p' "$set.record")
  [ "$set" = whole ] || [ -n "$there" ] || fail 'no record of the index that replaced the sparse one'
  same "$set, published" "${there:-$tool}" "$(crane digest --insecure "$zot/$set/tool:1")"
  for place in "$name" "$zot/$set/tool:1"; do crane validate --insecure --remote "$place@$(crane digest --insecure --platform linux/amd64 "$place")" > validated.log || { cat validated.log >&2; exit 1; }; done
  if [ "$set" = whole ]; then
    regctl registry set "$served" --tls disabled
    regctl registry set "$zot" --tls disabled
    for place in "$name" "$zot/whole/tool:1"; do crane validate --insecure --remote "$place" > validated.log || { cat validated.log >&2; exit 1; }; done
    crane copy --insecure "$name" "$zot/crane/tool:1" > copied.log 2>&1
    same 'copied by crane' "$tool" "$(crane digest --insecure "$zot/crane/tool:1")"
    regctl image copy "$name" "$zot/regctl/tool:1" > copied.log 2>&1
    same 'copied by regctl' "$tool" "$(regctl image digest "$zot/regctl/tool:1")"
    oras cp --from-plain-http --to-plain-http "$served/$(echo "$zot" | tr : _)/team/note:1" "$zot/oras/note:1" > copied.log
    same 'copied by oras' "$note" "$(oras resolve --plain-http "$zot/oras/note:1")"
    same 'the artifact, published' "$note" "$(oras resolve --plain-http "$zot/whole/note:1")"
  fi
done
echo 'zot round trips agree'

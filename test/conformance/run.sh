#!/bin/sh
# The conformance suite of the OCI distribution specification against `longshore serve`, and independent clients.
#
#   test/conformance/run.sh [suite|clients|library|zot|all|crane-sums]        default: all
#
# suite: opencontainers/distribution-spec, conformance/. clients: crane, regctl and, where the proxy gives it, oras; cosign where it is on the PATH. library: oras-go. zot: from zot through
# an archive to clients, and into zot (round-trips.sh). crane-sums: records what crane writes of the images in test/support/crane-images.ts, with programs built by a Go of their time (Debian's docker-registry is needed).
# Needs Go, and access to the Go module proxy. CONFORMANCE_VERSION picks a version of the suite (a commit of
# github.com/opencontainers/distribution-spec, or `latest`); CONFORMANCE_SOURCE names a folder with a checkout of its conformance/ instead.
# Reports are left in $RESULTS (default: a new temporary folder). Clients that are on the PATH are used as they are.
set -eu
what=${1:-all}
case $what in suite|clients|library|zot|all|crane-sums) ;; *) sed -n '2,11p' "$0"; exit 2 ;; esac
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v go >/dev/null || { echo 'Go is not installed: nothing was run' >&2; exit 2; }
work=$(mktemp -d)
results=${RESULTS:-$(mktemp -d)}
mkdir -p "$results" && results=$(cd "$results" && pwd)
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; }
  chmod -R u+w "$work" && rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# The tests compare with what this records; it changes when the images do.
if [ "$what" = crane-sums ]; then
  asked=
  for each in 0.4.1:go1.21.13 0.11.0:go1.21.13 0.20.2:auto; do
    GOTOOLCHAIN=${each#*:} GOBIN="$work/${each%:*}" go install "github.com/google/go-containerregistry/cmd/crane@v${each%:*}"
    asked="$asked ${each%:*}=$work/${each%:*}/crane"
  done
  "$root/bin/pinned-node" "$root/test/conformance/crane-sums.ts" $asked
  exit
fi

(cd "$root" && bin/pinned-node -e "console.log('tester:' + require('bcryptjs').hashSync('conformance', 5))") > "$work/htpasswd"
"$root/bin/pinned-node" "$root/bin/longshore.ts" serve --store "$work/store" --listen 127.0.0.1:0 --htpasswd "$work/htpasswd" --json > "$work/serve.json" 2> "$work/serve.log" &
server=$!
for _ in $(seq 300); do [ -s "$work/serve.json" ] && break; kill -0 "$server" 2>/dev/null || { cat "$work/serve.log" >&2; exit 1; }; sleep 0.1; done
address=$(sed -n 's/.*"\(http:\/\/[^"]*\)".*/\1/p' "$work/serve.json" | head -1)
host=${address#http://}
echo "serving on $address"

suite() {
  if [ -n "${CONFORMANCE_SOURCE:-}" ]; then
    package=.
    cd "$CONFORMANCE_SOURCE"
  else
    package=github.com/opencontainers/distribution-spec/conformance
    mkdir -p "$work/suite"
    cd "$work/suite"
    go mod init longshore.example/conformance 2>/dev/null
    go get "$package@${CONFORMANCE_VERSION:-latest}" || {
      echo 'the module proxy does not give the suite: name a checkout of it with CONFORMANCE_SOURCE' >&2; exit 3; }
  fi
  # A program since it was rewritten, a test binary up to 1.1: each has settings of its own.
  name=$(go list -f '{{.Name}}' "$package")
  if [ "$name" = main ]; then
    go build -o "$work/suite.bin" "$package"
    run_program
  else
    go test -c -o "$work/suite.bin" "$package"
    run_test_binary
  fi
  echo "the suite passed; reports are in $results"
}

run_program() {
  rm -f "$results/summary.txt" "$results/junit.xml"
  # 1.1+dev switches on what 1.1 leaves out (cancelled uploads, digest headers, tags beside a digest); each is named, so that no default decides. `sparse` stays
  # off, as by default: it pushes an image without its layer, which this registry refuses; sparse indexes it takes (test/repository/conformance-data.test.ts).
  (cd "$results" && env OCI_REGISTRY="$host" OCI_TLS=disabled OCI_REPO1=conformance/repo1 OCI_REPO2=conformance/repo2 OCI_USERNAME=tester OCI_PASSWORD=conformance \
    OCI_VERSION=1.1+dev OCI_RESULTS_DIR="$results" OCI_DATA_SPARSE=false OCI_DATA_SHA512=true OCI_DATA_EMPTY_BLOB=true OCI_API_REFERRER=true \
    OCI_API_BLOBS_ATOMIC=true OCI_API_BLOBS_DELETE=true OCI_API_BLOBS_DIGEST_HEADER=true OCI_API_BLOBS_MOUNT_ANONYMOUS=true OCI_API_BLOBS_UPLOAD_CANCEL=true \
    OCI_API_MANIFESTS_ATOMIC=true OCI_API_MANIFESTS_DELETE=true OCI_API_MANIFESTS_DIGEST_HEADER=true OCI_API_MANIFESTS_TAG_PARAM=true \
    OCI_API_TAGS_ATOMIC=true OCI_API_TAGS_DELETE=true OCI_API_TAGS_LIST=true "$work/suite.bin" > "$results/summary.txt") || failed
  # It ends with 0 too when it could not read its settings or write its reports: what counts is what it reports.
  [ -s "$results/junit.xml" ] && grep -qx 'OCI Conformance Result: Pass' "$results/summary.txt" || failed
  for kind in Disabled Skip FAIL Error; do grep -Eqx "  $kind\.+: +0" "$results/summary.txt" || failed; done
  sed -n '/^OCI Conformance Result/,$p' "$results/summary.txt"
}

failed() {
  [ ! -f "$results/summary.txt" ] || grep -E -A3 ': (FAIL|Error|Skip|Disabled|Unknown)$|^  (Disabled|Skip|Pass|FAIL|Error)\.' "$results/summary.txt" | cut -c1-300 >&2
  echo "the suite did not pass in full; reports are in $results" >&2
  exit 1
}

run_test_binary() {
  (cd "$results" && env OCI_ROOT_URL="$address" OCI_NAMESPACE=conformance/repo1 OCI_CROSSMOUNT_NAMESPACE=conformance/repo2 OCI_AUTOMATIC_CROSSMOUNT=1 \
    OCI_USERNAME=tester OCI_PASSWORD=conformance OCI_TEST_PULL=1 OCI_TEST_PUSH=1 OCI_TEST_CONTENT_DISCOVERY=1 OCI_TEST_CONTENT_MANAGEMENT=1 \
    OCI_HIDE_SKIPPED_WORKFLOWS=0 OCI_DELETE_MANIFEST_BEFORE_BLOBS=1 "$work/suite.bin")
}

# oras-go, the library of oras, Zarf and others: push, copy, extended copy with referrers.
library() {
  (cd "$root/test/conformance/oras" && go build -o "$work/oras-go" .)
  "$work/oras-go" "$host" tester conformance
}

programs() {
  export GOBIN="$work/bin"
  [ -n "$(command -v crane)" ] || go install github.com/google/go-containerregistry/cmd/crane@v0.20.2
  [ -n "$(command -v regctl)" ] || go install github.com/regclient/regclient/cmd/regctl@v0.8.3
  PATH=$PATH:$GOBIN
}

# In a subshell: its HOME holds the logins of this run only.
clients() (
  programs
  export HOME="$work/home"
  mkdir -p "$HOME"
  cd "$work"
  head -c 1000000 /dev/urandom > file
  tar cf layer.tar file
  crane auth login "$host" -u tester -p conformance
  crane append --insecure --new_layer layer.tar --new_tag "$host/clients/crane:1"
  crane validate --insecure --remote "$host/clients/crane:1"
  crane copy --insecure "$host/clients/crane:1" "$host/clients/copied:1"
  [ "$(crane digest --insecure "$host/clients/crane:1")" = "$(crane digest --insecure "$host/clients/copied:1")" ]
  crane catalog --insecure "$host" | grep -qx clients/copied
  regctl registry set "$host" --tls disabled
  regctl registry login "$host" -u tester -p conformance
  regctl image copy --digest-tags --referrers "$host/clients/crane:1" "$host/clients/regctl:1"
  regctl artifact put --artifact-type application/vnd.example.note --subject "$host/clients/regctl:1" < file
  [ "$(regctl artifact list --format '{{len .Descriptors}}' "$host/clients/regctl:1")" = 1 ]
  regctl tag delete "$host/clients/regctl:1"
  [ -z "$(regctl tag ls "$host/clients/regctl")" ]
  crane delete --insecure "$host/clients/copied@$(crane digest --insecure "$host/clients/crane:1")"
  echo 'crane and regctl agree'
  # cosign takes minutes to build: where it is installed, it is asked too.
  if command -v cosign >/dev/null; then signatures; fi
  if command -v oras >/dev/null || build_oras; then
    echo hello > note.txt
    oras push --plain-http -u tester -p conformance "$host/clients/oras:1" --artifact-type application/vnd.example.note note.txt:text/plain
    rm note.txt && oras pull --plain-http -u tester -p conformance "$host/clients/oras:1" && grep -qx hello note.txt
    oras cp --from-plain-http --to-plain-http --from-username tester --from-password conformance --to-username tester --to-password conformance -r "$host/clients/oras:1" "$host/clients/oras-copy:1"
    [ "$(oras resolve --plain-http "$host/clients/oras:1")" = "$(oras resolve --plain-http "$host/clients/oras-copy:1")" ]
    echo 'oras agrees'
  fi
)

zot_round_trips() (
  programs
  [ -n "$(command -v oras)" ] || build_oras || return 0
  [ -n "$(command -v zot)" ] || build_zot || return 0
  sh "$root/test/conformance/round-trips.sh" "$work/round-trips"
)

# The module calls itself by another name than the one it is had by, so that its sources are built where they lie.
build_zot() {
  mkdir -p "$GOBIN"
  sources=$(cd "$work" && go mod download -json github.com/project-zot/zot@v1.4.3 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && [ -n "$sources" ] &&
    cp -r "$sources" "$work/zot-sources" && chmod -R u+w "$work/zot-sources" &&
    (cd "$work/zot-sources" && go build -tags containers_image_openpgp -o "$GOBIN/zot" ./cmd/zot) 2>"$results/zot-build.log" && return
  echo "the module proxy does not give zot ($results/zot-build.log): it was not asked" >&2
  return 1
}

# A version named in a go.mod: `go install` would ask the proxy for the list of versions too, which not every proxy gives for oras.
build_oras() {
  mkdir -p "$work/oras-cli" "$GOBIN"
  (cd "$work/oras-cli" && go mod init longshore.example/oras 2>/dev/null && go mod edit -require=oras.land/oras@v1.2.3 &&
    printf '//go:build tools\npackage oras\nimport _ "oras.land/oras/cmd/oras"\n' > tools.go && GOFLAGS=-mod=mod go build -o "$GOBIN/oras" oras.land/oras/cmd/oras) 2>"$results/oras-build.log" && return
  echo "the module proxy does not give oras ($results/oras-build.log): it was not asked" >&2
  return 1
}

# What cosign signs here, by tag and as a bundle, `longshore lock` accepts by its key, and by no other.
signatures() {
  digest=$(crane digest --insecure "$host/clients/crane:1")
  export COSIGN_PASSWORD=
  cosign generate-key-pair
  mkdir other
  (cd other && cosign generate-key-pair)
  for flags in '' --new-bundle-format; do
    cosign sign --key cosign.key --tlog-upload=false --allow-http-registry -y $flags "$host/clients/crane@$digest"
    for key in cosign.pub other/cosign.pub; do
      printf 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: signed, version: "1"}\nspec:\n  images:\n    - {ref: "%s/clients/crane:1", platforms: [all], verify: {cosign: {key: %s}}}\n' "$host" "$key" > signed.yaml
      status=0; "$root/bin/longshore" lock -f signed.yaml --store signed --lock signed.json --insecure-registry "$host" || status=$?
      [ "$status" = "$([ $key = cosign.pub ] && echo 0 || echo 5)" ] || { echo "cosign $flags with $key: exit $status"; return 1; }
    done
    regctl artifact tree "$host/clients/crane:1" | grep -q . ; crane delete --insecure "$host/clients/crane:$(echo "$digest" | tr : -).sig" 2>/dev/null || true
  done
  echo 'cosign agrees'
}

case $what in
  suite) suite ;;
  clients) clients ;;
  library) library ;;
  zot) zot_round_trips ;;
  all) clients; zot_round_trips; library; suite ;;
esac

// The last part of /client/setup.sh: teardown and audit. POSIX shell and awk; `@NAME@` is filled in by setupScript.

/** From teardown to the end, which runs the action. */
export const scriptTail = `
teardown() {
  [ -f "$keep/list" ] || { echo 'nothing to undo'; return 0; }
  while read -r how path; do [ "$how" = dir ] || restore "$how" "$path"; done < "$keep/list"
  [ "$dry" = no ] || return 0
  sed -n 's/^dir //p' "$keep/list" | sort -r | while read -r path; do rmdir "$root$path" 2>/dev/null || true; done
  rm -rf "$keep"
  refresh
}

# Says what leads elsewhere: one line each.
elsewhere() {
  ! wanted apt || grep -HE '^[[:space:]]*deb' "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list 2>/dev/null | grep -vF '@ORIGIN@/' || true
  for file in "$root"/etc/apt/sources.list.d/*.sources; do
    ! wanted apt || [ ! -f "$file" ] || grep -qiE '^Enabled:[[:space:]]*no' "$file" || grep -HiE '^URIs:' "$file" | grep -vF '@ORIGIN@/' || true
  done
  for file in "$root"/etc/yum.repos.d/*.repo "$root"/etc/zypp/repos.d/*.repo; do
    case $file in */zypp/*) part=zypper ;; *) part=dnf ;; esac
    ! wanted "$part" || [ ! -f "$file" ] || awk -v file="$file" -v here='@ORIGIN@/' '
      function told() { if (on) printf "%s", text; text = ""; on = 1 }
      /^[[:space:]]*\\[/ { told() }
      /^[[:space:]]*enabled[[:space:]]*=[[:space:]]*(0|[Ff]alse|[Nn]o|[Oo]ff)/ { on = 0 }
      /^[[:space:]]*(baseurl|mirrorlist|metalink)[[:space:]]*=/ { if (index($0, here) == 0) text = text file ":" $0 "\\n" }
      END { told() }' "$file"
  done
  if wanted containerd && [ -d "$root/etc/containerd" ]; then
    [ ! -f "$root/etc/containerd/config.toml" ] || grep -qE '^[[:space:]]*config_path[[:space:]]*=.*certs\\.d' "$root/etc/containerd/config.toml" || echo "containerd: $root/etc/containerd/config.toml names no certs.d as config_path, so that registries are asked directly"
    [ -f "$root/etc/containerd/certs.d/_default/hosts.toml" ] || echo "containerd: registries without a folder in $root/etc/containerd/certs.d are asked directly"
    for file in "$root"/etc/containerd/certs.d/*/hosts.toml; do
      [ ! -f "$file" ] || grep -HE '^[[:space:]]*(server[[:space:]]*=|\\[host\\.)' "$file" | grep -vF '"@ORIGIN@"' || true
    done
  fi
  search=
  for file in "$root/etc/containers/registries.conf" "$root"/etc/containers/registries.conf.d/*.conf; do
    wanted containers && [ -f "$file" ] || continue
    grep -HE '^[[:space:]]*location[[:space:]]*=' "$file" | grep -vF '"@HOST@' || true
    # The last file that names them counts.
    line=$(grep -HE '^[[:space:]]*unqualified-search-registries[[:space:]]*=' "$file" || true)
    [ -z "$line" ] || search=$line
  done
  [ -z "$search" ] || printf '%s\\n' "$search" | grep -vF -e '"@HOST@' -e '/50-longshore.conf:' || true
  if wanted docker && [ -d "$root/etc/docker" ]; then
    grep -qF '@ORIGIN@' "$root/etc/docker/daemon.json" 2>/dev/null || echo "docker: $root/etc/docker/daemon.json does not name @ORIGIN@"
  fi
  for kind in k3s rke2; do
    ! wanted "$kind" || [ ! -d "$root/etc/rancher/$kind" ] || grep -qF '@ORIGIN@' "$root/etc/rancher/$kind/registries.yaml" 2>/dev/null || echo "$kind: $root/etc/rancher/$kind/registries.yaml does not name @ORIGIN@"
  done
  [ -n "$root" ] || images | sort -u
}

# Images that container runtimes hold, one line each, under their full names; and runtimes that are here and do not say. What was built there does not
# count, nor what is named by digest alone where the repository is known here.
images() {
  known_images > "$work/names"
  {
    if wanted containerd || wanted k3s || wanted rke2; then containerd_images; fi
    if wanted containerd || wanted containers; then cri_images; fi
    if wanted docker; then docker_images; fi
    if wanted containers; then storage_images; fi
  } | awk -v here='@HOST@/' -v names="$work/names" '
    function bare(text) { sub(/@sha256:.*/, "", text); sub(/:[^\\/]*$/, "", text); return text }
    BEGIN { while ((getline line < names) > 0) { known[line] = 1; repository[bare(line)] = 1 } }
    $(NF - 1) != "image" { print; next }
    {
      name = $NF
      first = name; sub(/\\/.*/, "", first)
      if (name !~ /\\//) name = "docker.io/library/" name
      else if (first !~ /[.:]/ && first != "localhost") name = "docker.io/" name
      if ($NF ~ /^(<none>|sha256:)/ || name ~ /^localhost\\// || index(name, here) == 1 || (name in known)) next
      if (name ~ /@sha256:|:<none>$/ && (bare(name) in repository)) next
      print $0 ": not from here"
    }'
}

# Runs $2... and gives its answer; when that fails, a line that says so of runtime $1.
ask() {
  runtime=$1; shift; code=0
  "$@" > "$work/answer" 2> "$work/why" < /dev/null || code=$?
  if [ "$code" = 0 ]; then cat "$work/answer"; return 0; fi
  echo "$runtime: does not tell its images (status $code): $(tr -s '\\n\\t ' '   ' < "$work/why" | cut -c 1-300)" >> "$work/silent"
}

# Puts "$1: image " before each line, after what ask had to say.
named() { sed "/^$/d; s|^|$1: image |"; }
silent() { cat "$work/silent"; : > "$work/silent"; }

containerd_images() {
  : > "$work/silent"
  program=
  for each in ctr /var/lib/rancher/rke2/bin/ctr; do [ -n "$program" ] || ! command -v "$each" >/dev/null 2>&1 || program=$each; done
  asked=no
  for socket in /run/containerd/containerd.sock /run/k3s/containerd/containerd.sock; do
    [ -S "$socket" ] || continue
    asked=yes
    if [ -z "$program" ]; then echo "containerd: $socket is here, and no ctr that asks for its images"; continue; fi
    ask containerd "$program" -a "$socket" namespaces ls -q > "$work/spaces"
    while read -r space; do ask "containerd ($space)" "$program" -a "$socket" -n "$space" images ls -q | named "containerd ($space)"; done < "$work/spaces"
  done
  # Without its socket, ctr would wait for long.
  [ "$asked" = yes ] || [ -z "$program" ] || echo 'containerd: is installed and does not run, so that its images are not known'
  silent
}

cri_images() {
  command -v crictl >/dev/null 2>&1 || return 0
  ask cri crictl images | awk 'NR > 1 { print $1 ":" $2 }' | named cri
  silent
}

# A client without a daemon here speaks for another machine, or for podman.
docker_images() {
  command -v docker >/dev/null 2>&1 || return 0
  command -v dockerd >/dev/null 2>&1 || [ -S /var/run/docker.sock ] || return 0
  ask docker docker images --format '{{.Repository}}:{{.Tag}}' | named docker
  silent
}

# containers-storage.conf(5), of podman, CRI-O, buildah and skopeo: what podman tells, what lies in the storage that is configured (podman may have begun with
# another one), and what users keep in their homes.
storage_images() {
  label=containers-storage
  if command -v podman >/dev/null 2>&1; then
    label=podman
    ask podman podman images --format '{{.Repository}}:{{.Tag}}' | named podman
    [ "$(id -u)" = 0 ] || echo 'podman: only root sees the images of root: run this as root'
  fi
  graph=$(sed -n 's/^[[:space:]]*graphroot[[:space:]]*=[[:space:]]*"\\(.*\\)".*/\\1/p' /etc/containers/storage.conf 2>/dev/null | head -n 1)
  stored "\${graph:-/var/lib/containers/storage}" | named "$label"
  cut -d: -f6 /etc/passwd | sort -u | while read -r home; do stored "$home/.local/share/containers/storage" | named "containers-storage ($home)"; done
  silent
}

# Names in the storage at $1.
stored() {
  for file in "$1"/*-images/images.json; do
    [ ! -e "$file" ] || ask "$file" cat "$file" | grep -o '"names":\\[[^]]*\\]' | sed 's/.*\\[//; s/\\]//' | tr ',' '\\n' | tr -d '"'
  done
}

audit() {
  found=$(elsewhere)
  if [ -z "$found" ]; then echo 'nothing leads elsewhere'; return 0; fi
  printf '%s\\n' "$found"
  return 3
}

$action
`;

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
  grep -HE '^[[:space:]]*deb' "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list 2>/dev/null | grep -vF '@ORIGIN@/' || true
  for file in "$root"/etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || grep -qiE '^Enabled:[[:space:]]*no' "$file" || grep -HiE '^URIs:' "$file" | grep -vF '@ORIGIN@/' || true
  done
  for file in "$root"/etc/yum.repos.d/*.repo "$root"/etc/zypp/repos.d/*.repo; do
    [ ! -f "$file" ] || awk -v file="$file" -v here='@ORIGIN@/' '
      function told() { if (on) printf "%s", text; text = ""; on = 1 }
      /^[[:space:]]*\\[/ { told() }
      /^[[:space:]]*enabled[[:space:]]*=[[:space:]]*(0|[Ff]alse|[Nn]o|[Oo]ff)/ { on = 0 }
      /^[[:space:]]*(baseurl|mirrorlist|metalink)[[:space:]]*=/ { if (index($0, here) == 0) text = text file ":" $0 "\\n" }
      END { told() }' "$file"
  done
  if [ -d "$root/etc/containerd" ]; then
    [ ! -f "$root/etc/containerd/config.toml" ] || grep -qE '^[[:space:]]*config_path[[:space:]]*=.*certs\\.d' "$root/etc/containerd/config.toml" || echo "containerd: $root/etc/containerd/config.toml names no certs.d as config_path, so that registries are asked directly"
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
  for kind in k3s rke2; do
    [ ! -d "$root/etc/rancher/$kind" ] || grep -qF '@ORIGIN@' "$root/etc/rancher/$kind/registries.yaml" 2>/dev/null || echo "$kind: $root/etc/rancher/$kind/registries.yaml does not name @ORIGIN@"
  done
  [ -n "$root" ] || images | sort -u | grep -Fxv -f "$work/known" || true
}

# Images that container runtimes hold, one line each, under their full names. What was built there and what is named by digest alone does not count.
images() {
  known_images > "$work/names"
  : > "$work/known"
  {
    if command -v ctr >/dev/null 2>&1; then
      ctr namespaces ls -q 2>/dev/null | while read -r space; do ctr -n "$space" images ls -q 2>/dev/null </dev/null | sed "s|^|containerd ($space): image |"; done
    fi
    if command -v crictl >/dev/null 2>&1; then crictl images 2>/dev/null | awk 'NR > 1 { print "cri: image " $1 ":" $2 }'; fi
    if command -v docker >/dev/null 2>&1; then docker images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | sed 's|^|docker: image |'; fi
    if command -v podman >/dev/null 2>&1; then podman images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | sed 's|^|podman: image |'; fi
  } | awk -v here='@HOST@/' -v names="$work/names" '
    BEGIN { while ((getline line < names) > 0) known[line] = 1 }
    {
      name = $NF
      first = name; sub(/\\/.*/, "", first)
      if (name !~ /\\//) name = "docker.io/library/" name
      else if (first !~ /[.:]/ && first != "localhost") name = "docker.io/" name
      if (name ~ /^localhost\\// || name ~ /<none>/ || name ~ /sha256:/ || index(name, here) == 1 || (name in known)) next
      print $0 ": not from here"
    }'
}

audit() {
  found=$(elsewhere)
  if [ -z "$found" ]; then echo 'nothing leads elsewhere'; return 0; fi
  printf '%s\\n' "$found"
  return 3
}

$action
`;

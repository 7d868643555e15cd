// What `longshore template` writes: a project and a BOM in one file, which pass their own check.

/** The text of a commented project with one module; `all` shows every option. */
export function templateText(all: boolean): string {
  return all ? `${projectAll}---\n${bomAll}` : small;
}

const small = `# What one site wants. Edit it, then: longshore lock -f THIS_FILE && longshore download && longshore export -o site.tar
apiVersion: longshore.dev/v1alpha1
kind: Project
metadata:
  name: my-site
spec:
  # Where apt finds Debian itself; without this, the sources of a machine that runs the same release are used.
  systemRepositories:
    debian12:
      - deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://ftp.debian.org/debian bookworm main
---
# What one module requires. A project may have many: list them under spec.modules as {bom: FILE}, or give each with -f.
apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata:
  name: web
  version: "1.0"
spec:
  targets:
    - {id: debian12, family: debian, os: debian, release: "12", arch: amd64}
  images:
    - ref: docker.io/library/nginx:1.27-alpine       # add a digest to pin it; the lock always does
  files:
    - urls: ["https://example.org/downloads/tool-1.2.tar.gz"]   # mirrors follow in the list
      saveAs: tools/tool-1.2.tar.gz
      # digest: sha256:<64 hex digits>               # without it the first download decides, and the lock keeps it
  packages:
    - {manager: deb, target: debian12, include: [{name: jq}, {name: curl}]}   # with everything they depend on
`;

const projectAll = `# Every option of a project. Only apiVersion, kind and metadata.name are obligatory.
apiVersion: longshore.dev/v1alpha1
kind: Project
metadata:
  name: my-site                       # lower-case letters, digits and -
  version: "2024.1"
  labels: {site: plant-7}             # scalars, free
  annotations: {owner: "team infra"}  # anything; never interpreted. Own keys elsewhere start with x-
spec:
  modules: []                         # - {bom: boms/kafka.yaml}: a file, folder, URL or oci:// reference
                                      # - {adapter: epiphany, from: "./epiphany", select: ["ubuntu-20.04"]}: another format
  targets: [debian12]                 # ids that modules declare, or targets written out; default: all of them
  select:                             # what entries with a when: must name; an empty list does not restrict
    features: []
    components: []
    flavors: []
    profiles: []
    withWeak: false                   # add modules that are only weakly required
  moduleRepositories: []              # lists of modules on offer: ModuleRepository or Repository v1, as files, folders or addresses
  values: {webVersion: "1.27-alpine"} # for \${webVersion} in BOMs
  overlays:                           # change entries of modules without touching their documents
    - match: {module: web, file: tool}          # by kind and id, name, reference or URL
      set: {urls: ["https://mirror.example.org/tool-1.2.tar.gz"]}
      reason: the first address is gone
  hostRewrites: {k8s.gcr.io: registry.k8s.io}   # fetch from another host; the names inside stay
  systemRepositories:                 # the distribution's own repositories, per target
    debian12:
      - deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://ftp.debian.org/debian bookworm main
      - {uri: "http://ftp.debian.org/debian", suite: bookworm-updates, components: [main], gpgKeys: [{path: /usr/share/keyrings/debian-archive-keyring.gpg}]}
  credentials:                        # names for headersFrom and tls; values stay in the environment or a file
    vendor: {env: VENDOR_TOKEN, hosts: [downloads.example.org, mirror.example.org]}   # goes nowhere else; modules that are read from elsewhere need it
  policy:
    unpinned: resolve                 # resolve | fail: images and files without a digest
    firstUse: allow                   # allow | fail: content that only its first download identifies
    guessed: warn                     # allow | warn | fail: references that an adapter guessed
    unresolved: warn                  # allow | warn | fail: what an adapter could not understand
    weakDigest: upgrade               # upgrade | fail: sha1 and md5 are checked and replaced by sha256
    licence: {deny: [], redistributable: warn}   # allow | warn | fail: what its BOM says may not be passed on; allow: [...] names the only ones
  cluster: {shared-storage: "true"}   # facts of the destination: cluster.shared-storage in requirements
  repository: {host: repo01, listen: "0.0.0.0:5000", tls: auto, layouts: [native]}
  export: {includeTools: true, includeModules: true, includeConfigs: false, split: 4GiB, runtime: [linux-x64]}
`;

const bomAll = `# Every option of a module's bill of materials. Only apiVersion, kind and metadata.name are obligatory.
apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata:
  name: web
  version: "1.0"
  versionScheme: semver               # semver | rpm | deb | text: how versions in relations are compared
  labels: {short: web, kind: frontend, provides-http: "1.1"}
  annotations: {}
spec:
  targets:
    - {id: debian12, family: debian, os: debian, release: "12", arch: amd64}   # x86_64 and aarch64 are understood too
    - {id: el9, family: rhel, os: rhel, release: "9", arch: amd64, releasever: "9", basearch: x86_64}
  variables:
    webVersion: {description: version of the server, default: "1.27-alpine"}
  requires:
    strong: []                        # groups; each must be met by one module: - - {key: kind, operator: eq, values: [storage]}
    weak:                             # only a warning when missing; ordered before this module when present
      - - {key: kind, operator: in, values: [monitoring, metrics]}
        - {key: version, operator: ">=", values: ["2.31"]}
  influences: []                      # reported, never acted on
  conflicts: []
  upgrades: {from: [">=0.9 <1.0"], via: []}
  images:
    - id: server
      ref: docker.io/library/nginx:\${webVersion}
      # digest: sha256:<64 hex digits>
      platforms: [linux/amd64]        # default: those of the selected targets; [all] keeps every one
      kind: image                     # image | artifact | signature | attestation | sbom
      role: run                       # run | module | base | toolchain | bootstrap
      mirrors: []                     # tried in order, must give the same digest
      mutable: follow                 # follow: every lock --update moves it | pin: only --update=NAME | refuse: wants a digest
      extras: {signatures: false, attestations: false, sboms: false, referrers: false}
      when: {features: [], components: [], targets: [], flavors: [], arch: [], profiles: []}
      # archive: {path: images/nginx.tar, format: docker}   # from a file instead of a registry
      # as: acme/nginx:1.27                                 # another name in the registry inside
      # verify: {cosign: {key: keys/vendor.pub}}            # refused unless signed by it; or identity (identityRegexp), issuer (issuerRegexp), trustRoot
  files:
    - id: tool
      urls: ["https://example.org/downloads/tool-1.2.tar.gz"]
      # path: files/tool-1.2.tar.gz   # a local file instead, relative to this document
      # digest: sha256:<64 hex digits>
      # weakDigests: ["sha1:<40 hex digits>"]
      # size: 71674
      saveAs: tools/tool-1.2.tar.gz
      mode: "0644"
      purpose: binary
      platform: {os: linux, arch: amd64}
      headersFrom: [vendor]           # NAMES under spec.credentials of the project
      # signature: {kind: gpg, key: keys/vendor.asc}   # gpg | minisign | cosign: checked before it is locked; url when not beside the file
      licence: Apache-2.0
  packageRepositories:
    - id: base
      manager: deb
      targets: [debian12]
      system: true                    # the distribution's own: see systemRepositories of the project
    - id: vendor
      manager: deb
      targets: [debian12]
      uri: https://apt.example.org/debian   # or line: "deb ...", or sources: the text of a .sources file
      suite: stable
      components: [main]
      gpgKeys: [{url: "https://apt.example.org/key.asc"}]   # or {path: keys/vendor.gpg}
      trusted: false
  preferences:                        # apt_preferences(5): in fields, as text, or path; the project's come first
    - {targets: [debian12], packages: ["jq*"], pin: "release n=stable", priority: 600}
  packages:
    - id: tools
      manager: deb
      target: debian12
      repositories: [base, vendor]    # empty: all of this target
      role: normal                    # bootstrap: needed before the mirror can serve
      dependencies: closure           # none | direct | closure
      weakDependencies: false
      # assumeInstalled: {profile: minimal}   # what machines have: essential | apt | minimal | container | buildd | important | standard | cloud (rpm: container | minimal | standard | cloud); or a file
      # targetRelease: stable-backports       # as apt-get -t
      # followExact: true                     # siblings of a named version that are needed in exactly it
      # siblings: same-source                 # carry those that machines may have, too
      include:
        - {name: jq}
        - {name: curl, version: "7.88*", versions: newest}
  charts:
    - id: chart
      source: {repo: "https://charts.example.org/stable", name: web, version: "1.0.0"}   # one of repo, oci, git, url, path
      withDependencies: true
      withImages: none                # none | annotations | render (with helm, and valuesFiles)
      # keyring: keys/vendor.gpg      # its provenance file must be signed by one of these
      # as: web.tgz                   # file name inside
      when: {features: [charts]}
  git:
    - {id: sources, url: "https://git.example.org/web.git", ref: refs/heads/main, commit: e6e232e1ae67eaa63f6efa9bbf2a7c095c7e96dd, submodules: false, mirrorAll: false, when: {features: [sources]}}
  modules: []
  tools: []
  configs: []
  produces: []                        # built on site: never fetched
  unresolved: []
  licences: [{name: Apache-2.0, url: "https://www.apache.org/licenses/LICENSE-2.0", redistributable: true}]
`;

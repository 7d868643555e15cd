// Where KubeKey 3 downloads its components from: facts of its code, not of its manifests.

interface Binary { readonly id: string; readonly url: string }

const machine = (arch: string): string => (arch === 'amd64' ? 'x86_64' : arch === 'arm64' ? 'aarch64' : arch);
const github = (path: string): string => `https://github.com/${path}`;

const urls: Readonly<Record<string, (version: string, arch: string) => string>> = {
  'kubeadm': (v, arch) => `https://dl.k8s.io/release/${v}/bin/linux/${arch}/kubeadm`,
  'kubelet': (v, arch) => `https://dl.k8s.io/release/${v}/bin/linux/${arch}/kubelet`,
  'kubectl': (v, arch) => `https://dl.k8s.io/release/${v}/bin/linux/${arch}/kubectl`,
  'kubecni': (v, arch) => github(`containernetworking/plugins/releases/download/${v}/cni-plugins-linux-${arch}-${v}.tgz`),
  'helm': (v, arch) => `https://get.helm.sh/helm-${v}-linux-${arch}.tar.gz`,
  'etcd': (v, arch) => github(`coreos/etcd/releases/download/${v}/etcd-${v}-linux-${arch}.tar.gz`),
  'docker': (v, arch) => `https://download.docker.com/linux/static/stable/${machine(arch)}/docker-${v}.tgz`,
  'cri-dockerd': (v, arch) => github(`Mirantis/cri-dockerd/releases/download/v${v}/cri-dockerd-${v}.${arch}.tgz`),
  'containerd': (v, arch) => github(`containerd/containerd/releases/download/v${v}/containerd-${v}-linux-${arch}.tar.gz`),
  'runc': (v, arch) => github(`opencontainers/runc/releases/download/${v}/runc.${arch}`),
  'crictl': (v, arch) => github(`kubernetes-sigs/cri-tools/releases/download/${v}/crictl-${v}-linux-${arch}.tar.gz`),
  'calicoctl': (v, arch) => github(`projectcalico/calico/releases/download/${v}/calicoctl-linux-${arch}`),
  'registry': (v, arch) => github(`kubesphere/kubekey/releases/download/v2.0.0-alpha.1/registry-${v}-linux-${arch}.tar.gz`),
  'harbor': (v) => github(`goharbor/harbor/releases/download/${v}/harbor-offline-installer-${v}.tgz`),
  'compose': (v, arch) => github(`docker/compose/releases/download/${v}/docker-compose-linux-${machine(arch)}`),
  'buildx': (v, arch) => github(`docker/buildx/releases/download/${v}/buildx-${v}.linux-${arch}`),
  'k3s': (v, arch) => github(`k3s-io/k3s/releases/download/${v.includes('+') ? v : `${v}+k3s1`}/k3s${arch === 'amd64' ? '' : `-${arch}`}`),
  'k8e': (v, arch) => github(`xiaods/k8e/releases/download/${v.includes('+') ? v : `${v}+k8e2`}/k8e${arch === 'amd64' ? '' : `-${arch}`}`),
};

/** Names in manifests that differ from those in the table of checksums. */
const ids: Readonly<Record<string, string>> = { 'cni': 'kubecni', 'docker-registry': 'registry', 'docker-compose': 'compose' };
/** Components whose versions are written without v. */
const bare = new Set(['docker', 'cri-dockerd', 'containerd', 'registry']);

/** The file of a component; undefined when nobody knows where it is. */
export function binaryOf(name: string, version: string, arch: string): Binary | undefined {
  const id = ids[name] ?? name;
  const url = Object.hasOwn(urls, id) ? urls[id] : undefined;
  if (url === undefined || !/^[\w.+-]+$/.test(version) || !/^[\w-]+$/.test(arch)) return undefined;
  return { id, url: url(bare.has(id) ? version.replace(/^v(?=\d)/, '') : version, arch) };
}

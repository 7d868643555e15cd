// Package repositories of Epiphany: from its manifests, and those that it keeps in its code.
import type { BomDraft, Fields } from '../draft.ts';
import type { Node } from '../trees.ts';
import { readIni, repositoryFields } from '../yum-repo.ts';
import type { EpiphanyTarget } from './epiphany-target.ts';

export function addDebRepositories(draft: BomDraft, repositories: readonly Node[], { id, arch }: EpiphanyTarget): void {
  draft.add('packageRepositories', { id: `${id}-system`, manager: 'deb', targets: [id], system: true });
  for (const [name, item] of last(repositories)) {
    const line = item.at('content').text;
    const key = item.at('key').text;
    if (line === undefined) { draft.unresolved(item.where, name, 'a repository without content'); continue; }
    draft.add('packageRepositories', { id: `${name}-${arch}`, manager: 'deb', targets: [id], line, ...(key === undefined ? {} : { gpgKeys: [{ url: key }] }), origin: { where: item.where } });
  }
}

export function addRpmRepositories(draft: BomDraft, repositories: readonly Node[], { id }: EpiphanyTarget): void {
  draft.add('packageRepositories', { id: `${id}-system`, manager: 'rpm', targets: [id], system: true });
  for (const [name, item] of last(repositories)) {
    const body = readIni(`[${item.at('id').text ?? name}]\n${item.at('data').text ?? ''}`).at(-1);
    const fields = body === undefined ? undefined : repositoryFields(body.values);
    if (fields === undefined) { draft.unresolved(item.where, name, 'a repository without baseurl'); continue; }
    draft.add('packageRepositories', {
      id: `${body?.name ?? name}-${id}`, manager: 'rpm', targets: [id], ...fields, gpgKeys: [...item.at('gpg_keys').texts, ...item.at('gpgkeys').texts].map((url) => ({ url })), origin: { where: item.where },
    });
  }
}

/** A later file overrides an entry of an earlier one. */
function last(repositories: readonly Node[]): ReadonlyMap<string, Node> {
  return new Map(repositories.flatMap((node) => node.entries));
}

/** What Epiphany's red_hat_family_mode adds in code: Docker's and EPEL's repositories, and a script for 2ndQuadrant's (x86_64 only). */
export function addBuiltinRepositories(draft: BomDraft, { id, os, arch }: EpiphanyTarget): void {
  const release = /-(\d+)/.exec(os)?.[1] ?? '8';
  const builtin: Fields = { annotations: { builtin: 'named in the code of Epiphany, not in its manifests' } };
  draft.add('packageRepositories', {
    id: `docker-ce-stable-${id}`, manager: 'rpm', targets: [id], baseurl: 'https://download.docker.com/linux/centos/$releasever/$basearch/stable', gpgcheck: true,
    gpgKeys: [{ url: 'https://download.docker.com/linux/centos/gpg' }], ...builtin,
  });
  draft.add('packageRepositories', {
    id: `epel-${id}`, manager: 'rpm', targets: [id], baseurl: `https://dl.fedoraproject.org/pub/epel/$releasever/${Number(release) < 8 ? '' : 'Everything/'}$basearch`, gpgcheck: true,
    gpgKeys: [{ url: `https://dl.fedoraproject.org/pub/epel/RPM-GPG-KEY-EPEL-${release}` }], ...builtin,
  });
  if (arch === 'amd64') draft.unresolved(`target ${id}`, '2ndQuadrant repositories', 'a script piped into a shell adds them; declare them with an overlay when their packages are wanted');
}

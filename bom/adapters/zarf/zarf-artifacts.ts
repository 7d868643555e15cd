// Files, charts and repositories of Zarf components.
import { type BomDraft, digestText, type Fields, isTemplated, withoutUndefined } from '../draft.ts';
import type { Node } from '../trees.ts';

export interface FilePlace { readonly path: string; readonly os?: string | undefined; readonly arch: string | undefined; readonly more: Fields }

/** `source` is a URL, with an optional `@sha256` at its end, or a path beside the package. */
export function addFile(draft: BomDraft, item: Node, { path, os = 'linux', arch, more }: FilePlace): void {
  const written = item.text ?? item.at('source').text;
  if (written === undefined) { draft.unresolved(item.where, 'a file', 'without a source'); return; }
  const [, source = written, pinned] = /^(https?:\/\/.*)@([0-9a-f]{64})$/.exec(written) ?? [];
  const sum = item.at('shasum').text ?? item.at('checksum').text ?? pinned;
  const digest = digestText(sum, 'sha256');
  if (sum !== undefined && digest === undefined && !isTemplated(source)) draft.unresolved(item.where, `checksum ${sum} of ${source}`, 'not a sha256');
  const isExecutable = item.at('executable').isTrue;
  const fields: Fields & { readonly saveAs?: string } = { ...(digest === undefined ? {} : { digest }), ...(isExecutable ? { mode: '0755' } : {}), ...more };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) draft.file([source], item.where, { purpose: isExecutable ? 'binary' : 'other', ...(arch === undefined ? {} : { platform: { os, arch } }), ...fields });
  else draft.localFile(source, path, item.where, fields);
}

/** v1alpha1: url (http repository, oci or git) or localPath; v1beta1: helmRepository, git, oci, local. */
export function addChart(draft: BomDraft, item: Node, path: string, { isImported, ...more }: Fields & { readonly isImported?: boolean }): void {
  if (isImported === true && !['url', 'localPath', 'helmRepository', 'git', 'oci', 'local'].some((key) => item.at(key).exists)) { draft.unresolved(item.where, `chart ${item.at('name').text ?? ''}`, 'changes a chart that the import brings: its values are not applied'); return; }
  const name = item.at('name').text ?? item.at('helmRepository', 'name').text;
  const source = chartSource(draft, item, name, path);
  if (source === undefined) return;
  if (isTemplated(Object.values(source).join(' '))) { draft.unresolved(item.where, `chart ${name ?? ''}`, 'a template in it'); return; }
  const values = item.at('valuesFiles').items.flatMap((each): string[] => {
    const text = each.text ?? each.at('path').text ?? '';
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) { draft.unresolved(each.where, text, 'values of a chart elsewhere: fetch them'); return []; }
    const found = draft.local(text, path, each.where);
    return found === undefined ? [] : [found];
  });
  draft.add('charts', { source: withoutUndefined(source), withImages: 'none', ...(values.length === 0 ? {} : { valuesFiles: values }), ...more, origin: { where: item.where } });
}

function chartSource(draft: BomDraft, item: Node, name: string | undefined, path: string): Fields | undefined {
  const version = item.at('version').text;
  const [repository, git, oci, local] = [item.at('helmRepository'), item.at('git'), item.at('oci'), item.at('local', 'path').text ?? item.at('localPath').text];
  if (repository.isMap) return { repo: repository.at('url').text, name: repository.at('name').text ?? name, version: repository.at('version').text ?? version };
  if (git.isMap) return { git: git.at('url').text, ref: git.at('ref').text, path: git.at('path').text };
  if (oci.isMap) return { oci: oci.at('url').text, version: oci.at('ref').text ?? version };
  if (local !== undefined) {
    const found = draft.local(local, path, item.where);
    return found === undefined ? undefined : { path: found, version };
  }
  const url = item.at('url').text;
  if (url?.startsWith('oci://') === true) return { oci: url, version };
  if (url !== undefined && /\.git(?:@|$)/.test(url)) {
    const [address, ref] = splitRevision(url);
    return { git: address, ref: ref ?? version, path: item.at('gitPath').text };
  }
  if (url === undefined || !/^https?:/.test(url)) { draft.unresolved(item.where, `chart ${name ?? ''}`, 'without an address'); return undefined; }
  return { repo: url, name: item.at('repoName').text ?? name, version };
}

/** `url@revision`, where the revision is a tag, refs/…, or a commit; without one the whole repository is mirrored. */
export function addRepository(draft: BomDraft, item: Node, more: Fields): void {
  const written = item.text ?? item.at('url').text;
  if (written === undefined || isTemplated(written)) { draft.unresolved(item.where, written ?? 'a repository', 'without an address that can be read'); return; }
  const [url, inUrl] = splitRevision(written);
  const ref = item.at('ref').text ?? inUrl;
  const revision: Fields = ref === undefined ? { mirrorAll: true } : /^[0-9a-f]{40}$/.test(ref) ? { commit: ref } : { ref: ref.startsWith('refs/') ? ref : `refs/tags/${ref}` };
  draft.add('git', { url, ...revision, ...more, origin: { where: item.where } });
}

/** An @ of a user in front of the host is no revision. */
function splitRevision(url: string): [string, string | undefined] {
  const at = url.lastIndexOf('@');
  const afterHost = url.indexOf('/', url.indexOf('://') + 3);
  if (at < 0 || at < afterHost) return [url, undefined];
  return [url.slice(0, at), url.slice(at + 1)];
}

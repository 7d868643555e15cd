// Packages of Epiphany manifests: by name from repositories, and by URL.
import { type BomDraft, digestText } from '../draft.ts';
import type { Node } from '../trees.ts';
import type { EpiphanyTarget } from './epiphany-target.ts';

/** `manifests` with the more particular first: its entry of from_url wins. `more` are packages by URL from elsewhere. */
export function addPackages(draft: BomDraft, { id, family }: EpiphanyTarget, manifests: readonly Node[], more: ReadonlyMap<string, Node>): void {
  const manager = family === 'debian' ? 'deb' : 'rpm';
  const specs = (...path: string[]): { spec: string }[] => manifests.flatMap((node) => node.at(...path).items).flatMap((item) => {
    const spec = item.text ?? item.at('name').text;
    if (spec === undefined) draft.unresolved(item.where, 'a package', 'without a name');
    return spec === undefined ? [] : [{ spec }];
  });
  const prerequisites = specs('prereq-packages');
  if (prerequisites.length > 0) draft.add('packages', { id: `${id}-prereqs`, manager, target: id, role: 'bootstrap', dependencies: 'none', include: prerequisites });
  const urls = new Map<string, string | undefined>();
  for (const [url, item] of [...manifests.flatMap((node) => node.at('packages', 'from_url').entries), ...more]) {
    if (urls.has(url)) continue;
    const { text } = item.at('sha256');
    const digest = digestText(text, 'sha256');
    if (text !== undefined && digest === undefined) draft.unresolved(item.at('sha256').where, `sha256 ${text} of ${url}`, 'not a sha256');
    urls.set(url, digest);
  }
  for (const node of manifests) {
    for (const [key, value] of node.entries) if (!['prereq-packages', 'packages', 'files', 'images'].includes(key)) draft.unresolved(value.where, key, 'a part of the manifest that is not known');
    for (const [key, value] of node.at('packages').entries) if (!['from_repo', 'multiple_versioned', 'from_url'].includes(key)) draft.unresolved(value.where, `packages.${key}`, 'a part of the manifest that is not known');
  }
  const include = [...specs('packages'), ...specs('packages', 'from_repo'), ...specs('packages', 'multiple_versioned').map(({ spec }) => ({ spec, versions: 'all' }))];
  if (include.length + urls.size === 0) return;
  draft.add('packages', { id, manager, target: id, dependencies: 'closure', include, urls: [...urls].map(([url, digest]) => ({ url, ...(digest === undefined ? {} : { digest }) })) });
}

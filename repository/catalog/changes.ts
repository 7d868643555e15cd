// What the current generation of a project changed against the one before.
import type { Lock } from '../../bom/lock.ts';
import type { Answer } from '../answer.ts';
import type { Served } from '../content.ts';
import { partsOf } from '../registry/library.ts';
import { escapeHtml, formatBytes, page } from './html.ts';
import { type InventoryItem, itemsOf } from './inventory.ts';
import { artifactPath, link, nounOf } from './parts.ts';

export interface Changes {
  readonly project: string;
  readonly from: number;
  readonly to: number;
  readonly added: readonly InventoryItem[];
  readonly removed: readonly InventoryItem[];
  /** The same thing in another version, or with other content under the same name. */
  readonly changed: readonly { readonly before: InventoryItem; readonly after: InventoryItem }[];
  /** Bytes of artifacts that were not there before, shared layers counted each time. */
  readonly newBytes: number;
}

/** What stays the same thing when its version changes: package name and architecture, image repository, chart name, file path. */
function identityOf(item: InventoryItem): string {
  switch (item.kind) {
    case 'deb': case 'rpm': {
      const [name = '', , arch = ''] = item.name.split(' ');
      return `${item.kind} ${item.target ?? ''} ${name} ${arch}`;
    }
    case 'image': {
      const { host, path } = partsOf(item.name);
      return `image ${host}/${path}`;
    }
    case 'chart': return `chart ${item.name.split(' ', 1)[0] ?? ''}`;
    default: return `${item.kind} ${item.name}`;
  }
}

/** Undefined when the content does not say what was before. */
export function changesOf(served: Served): Changes | undefined {
  return historyOf(served)[0];
}

/** Every step that is still known, newest first. */
export function historyOf(served: Served): readonly Changes[] {
  const locks = [served.lock, ...(served.older ?? [])];
  return locks.slice(1).map((before, step) => between(before, step === 0 ? served : { lock: locks[step] ?? served.lock, date: 0 }));
}

function between(before: Lock, now: Served): Changes {
  const same = (item: InventoryItem): string => `${item.kind}\n${item.name}\n${item.target ?? ''}\n${item.digest}`;
  const [old, items] = [itemsOf({ lock: before, date: 0 }), itemsOf(now)];
  const [oldKeys, nowKeys] = [new Set(old.map(same)), new Set(items.map(same))];
  const gone = Map.groupBy(old.filter((item) => !nowKeys.has(same(item))), identityOf);
  const come = Map.groupBy(items.filter((item) => !oldKeys.has(same(item))), identityOf);
  const added: InventoryItem[] = [];
  const changed: { before: InventoryItem; after: InventoryItem }[] = [];
  for (const [identity, fresh] of come) {
    const earlier = gone.get(identity) ?? [];
    for (const [position, after] of fresh.entries()) {
      const match = earlier[position];
      if (match === undefined) added.push(after);
      else changed.push({ before: match, after });
    }
    gone.set(identity, earlier.slice(fresh.length));
  }
  return {
    project: now.lock.metadata.name, from: before.metadata.sequence, to: now.lock.metadata.sequence, added, changed, removed: [...gone.values()].flat(),
    newBytes: [...added, ...changed.map(({ after }) => after)].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

export function changesPage(project: string, steps: readonly Changes[]): Answer {
  return page(`${project}: what changed`, `${steps.map(stepSection).join('\n')}`);
}

function stepSection({ from, to, added, removed, changed, newBytes }: Changes): string {
  const list = (title: string, rows: readonly string[]): string => (rows.length === 0 ? '' : `<h3>${title} (${rows.length})</h3><ul class="steps">${rows.map((row) => `<li>${row}</li>`).join('\n')}</ul>`);
  const kind = (item: InventoryItem): string => escapeHtml(nounOf(item.kind));
  const named = (item: InventoryItem): string => `${link(artifactPath(item), {}, item.name)} <small>${kind(item)}, ${formatBytes(item.sizeBytes)}</small>`;
  const nothing = added.length + removed.length + changed.length === 0 ? '<p>The artifacts are the same.</p>' : `<p>${formatBytes(newBytes)} in artifacts that were not there before.</p>`;
  return `<h2>Sequence ${to} against ${from}</h2>${nothing}
${list('Changed', changed.map(({ before, after }) => `${escapeHtml(before.name)} → ${named(after)}`))}
${list('Added', added.map(named))}
${list('Removed', removed.map((item) => `${escapeHtml(item.name)} <small>${kind(item)}</small>`))}`;
}

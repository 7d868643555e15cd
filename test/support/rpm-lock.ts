// Locked packages made from .rpm files, as a source makes them.
import { digestOf } from '../../bom/digest.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { formatEvr } from '../../formats/rpm/evr.ts';
import { packageEntry } from '../../formats/rpm/package-entry.ts';
import { parseRpmHead } from '../../formats/rpm/package-head.ts';
import { primaryXml } from '../../formats/rpm/package-xml.ts';

export function lockedRpm(bytes: Uint8Array, target: string, more: Partial<LockedPackage> = {}): LockedPackage {
  const entry = packageEntry(parseRpmHead(bytes, 'a test package'));
  const digest = digestOf(bytes);
  const file = `${entry.name}-${entry.evr.version}-${entry.evr.release}.${entry.arch}.rpm`;
  return {
    target, manager: 'rpm', name: entry.name, version: formatEvr(entry.evr), arch: entry.arch, digest, size: bytes.length, repo: 'main', urls: [], path: `Packages/${entry.name.slice(0, 1).toLowerCase()}/${file}`,
    stanza: primaryXml(entry, { checksum: { type: 'sha256', value: digest.slice(7) }, size: bytes.length }), role: 'normal', reason: 'requested', sets: ['app/set'], trust: 'verified', usedBy: ['app'], ...more,
  };
}

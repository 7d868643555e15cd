// File entries -> one requirement per name below files/.
import { type Choice, conflictOf, eitherSide, sortedUnique, uniquePositions, unitedLicence } from './aggregate-conflict.ts';
import { type Entry, fileName } from './aggregate-entries.ts';
import { type HostRewrites, urlOf } from './aggregate-hosts.ts';
import { normalArch } from './aggregate-targets.ts';
import { type Digest, parseDigest } from './digest.ts';
import type { BomFile } from './documents/module-bom.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { FileRequirement, FileSignature, Position } from './requirement.ts';

interface Single { readonly entry: Entry<'files'>; readonly requirement: FileRequirement }

/** One requirement per name, sorted by name. Throws `RESOLVE_CONFLICT` for two contents with one name, `INPUT_FIELD`, `INPUT_URL`, `INPUT_CREDENTIAL`. */
export function fileRequirements(entries: readonly Entry<'files'>[], rewrites: HostRewrites, credentials: readonly string[]): FileRequirement[] {
  const singles = entries.map((entry) => singleOf(entry, rewrites, credentials));
  const groups = Map.groupBy(singles, ({ requirement }) => requirement.name);
  const result = [...groups.keys()].sort().flatMap((name) => {
    const [first, ...rest] = groups.get(name) ?? [];
    return first === undefined ? [] : [rest.reduce(merged, first).requirement];
  });
  checkFolders(result);
  return result;
}

function singleOf(entry: Entry<'files'>, rewrites: HostRewrites, credentials: readonly string[]): Single {
  const { value, module } = entry;
  const at = entry.at();
  if ((value.path === undefined) === ((value.urls ?? []).length === 0)) {
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(at), expected: 'either urls or path in a file', actual: value.path === undefined ? 'neither' : 'both' });
  }
  const urls = (value.urls ?? []).map((url, index) => urlOf(url, rewrites, entry.at('urls', index)));
  const isIdentity = value.digest?.startsWith('sha256:') ?? false;
  const evidence = sortedUnique([...(isIdentity || value.digest === undefined ? [] : [value.digest]), ...(value.weakDigests ?? [])]);
  const headersFrom = value.headersFrom ?? [];
  for (const [index, name] of headersFrom.entries()) checkCredential(name, credentials, entry.at('headersFrom', index));
  return {
    entry,
    requirement: {
      kind: 'file', name: nameOf(entry), urls, usedBy: [module], at: [at], ...unitedLicence(value.licence),
      ...(value.path === undefined ? {} : { path: { absolute: entry.pathOf(value.path, 'path'), written: value.path } }),
      ...(isIdentity ? { digest: parseDigest(value.digest ?? '', formatPosition(entry.at('digest'))) } : {}),
      ...(value.size === undefined ? {} : { size: value.size }),
      mode: (value.mode ?? '0644').padStart(4, '0'),
      purpose: value.purpose ?? 'other',
      ...(value.platform === undefined ? {} : { platform: { os: value.platform.os, arch: normalArch(value.platform.arch) } }),
      headersFrom, evidence,
      ...(value.signature === undefined ? {} : { signature: signatureOf(entry, value.signature) }),
    },
  };
}

const minisignKey = /^RW[A-Za-z0-9+/]{54}$/;

function signatureOf(entry: Entry<'files'>, { kind, url, key }: NonNullable<BomFile['signature']>): FileSignature {
  if (key === undefined) {
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(entry.at('signature')), expected: `the public key of a ${kind} signature`, actual: 'none', next: 'Name a file with the key in signature.key; a minisign key may stand there itself.' });
  }
  if (/^https?:/i.test(key)) {
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(entry.at('signature', 'key')), expected: 'a file with the key, beside the document', actual: 'an address', next: 'Save the key beside the document once you trust it: who can change the file can change a key beside it.' });
  }
  const place = url === undefined ? undefined : /^https?:/i.test(url) ? urlOf(url, {}, entry.at('signature', 'url')) : entry.pathOf(url, 'signature', 'url');
  return {
    kind, ...(place === undefined ? {} : { place }),
    key: kind === 'minisign' && minisignKey.test(key) ? { text: key } : { path: entry.pathOf(key, 'signature', 'key'), written: key },
  };
}

/** Throws `INPUT_CREDENTIAL` for a name that the project does not declare. */
export function checkCredential(name: string, known: readonly string[], at: Position): void {
  if (known.includes(name)) return;
  const next = didYouMean(name, known);
  throw new BundleError('INPUT_CREDENTIAL', { subject: formatPosition(at), expected: 'the name of a credential of the project', actual: name, ...(next === undefined ? {} : { next }) });
}

/** saveAs, or the last segment of the first URL or path, as it is written there. */
function nameOf(entry: Entry<'files'>): string {
  return safeFileName(fileName(entry.value), entry.value.saveAs === undefined ? entry.at() : entry.at('saveAs'));
}

/** `name`, which never leaves `files/`. Throws `INPUT_FIELD`. */
export function safeFileName(name: string, at: Position): string {
  const segments = name.split('/');
  const isSafe = name.length > 0 && Buffer.byteLength(name) <= 1024
    && segments.every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255) && !/[\u0000-\u001f\u007f\\]/.test(name);
  if (isSafe) return name;
  throw new BundleError('INPUT_FIELD', {
    subject: formatPosition(at), expected: 'a relative path in saveAs, without . and .. segments, or a URL that ends in a file name',
    actual: JSON.stringify(name.slice(0, 200)), next: 'Say in saveAs what the file is called.',
  });
}

function merged(a: Single, b: Single): Single {
  const [left, right] = [a.requirement, b.requirement];
  if (left.digest !== undefined && right.digest !== undefined && left.digest !== right.digest) throw digestConflict(a, b, left.digest, right.digest);
  const isSameOrigin = left.urls.some((url) => right.urls.includes(url)) || (left.path !== undefined && left.path.absolute === right.path?.absolute);
  const isSameDigest = left.digest !== undefined && left.digest === right.digest;
  if (!isSameOrigin && !isSameDigest) throw originConflict(a, b);
  if (left.mode !== right.mode) {
    throw conflictOf(`file ${left.name}`, 'one mode', [sideOf(a, left.mode, 'mode'), sideOf(b, right.mode, 'mode')], eitherSide('file', [choice(a, `mode: "${left.mode}"`), choice(b, `mode: "${right.mode}"`)]));
  }
  const digest = left.digest ?? right.digest;
  const size = left.size ?? right.size;
  const platform = left.platform ?? right.platform;
  const path = left.path ?? right.path;
  const signature = left.signature ?? right.signature;
  return {
    ...a,
    requirement: {
      kind: 'file', name: left.name, urls: [...new Set([...left.urls, ...right.urls])],
      usedBy: sortedUnique([...left.usedBy, ...right.usedBy]), at: uniquePositions([...left.at, ...right.at]), ...unitedLicence(left.licence, right.licence),
      ...(path === undefined ? {} : { path }),
      ...(digest === undefined ? {} : { digest }),
      ...(size === undefined ? {} : { size }),
      mode: left.mode,
      purpose: left.purpose === 'other' ? right.purpose : left.purpose,
      ...(platform === undefined ? {} : { platform }),
      headersFrom: sortedUnique([...left.headersFrom, ...right.headersFrom]),
      evidence: sortedUnique([...left.evidence, ...right.evidence]),
      ...(signature === undefined ? {} : { signature }),
    },
  };
}

function sideOf({ entry }: Single, says: string, ...field: string[]): { module: string; at: Position; says: string } {
  return { module: entry.module, at: entry.at(...field), says };
}

function choice({ entry: { module, value }, requirement: { name } }: Single, set: string): Choice {
  return { module, name: value.id ?? name, set };
}

function digestConflict(a: Single, b: Single, left: Digest, right: Digest): Error {
  const { name } = a.requirement;
  return conflictOf(`file ${name}`, 'one content for one name', [sideOf(a, left, 'digest'), sideOf(b, right, 'digest')],
    `${eitherSide('file', [choice(a, `digest: "${left}"`), choice(b, `digest: "${right}"`)])} To carry both, give one of them another saveAs.`);
}

function originConflict(a: Single, b: Single): Error {
  const { name } = a.requirement;
  const origin = ({ requirement: { urls, path } }: Single): string => path?.written ?? urls[0] ?? 'nowhere';
  return conflictOf(`file ${name}`, 'one content for one name', [sideOf(a, origin(a)), sideOf(b, origin(b))],
    `To carry both, give one another name: overlays: [{match: {module: ${b.entry.module}, file: "${b.entry.value.id ?? origin(b)}"}, set: {saveAs: "${b.entry.module}/${name}"}}]. When they are the same bytes, say the same digest in both.`);
}

/** A name may not be the folder of another one. */
function checkFolders(files: readonly FileRequirement[]): void {
  const names = new Map(files.map((file) => [file.name, file]));
  for (const file of files) {
    const parts = file.name.split('/');
    for (let length = 1; length < parts.length; length++) {
      const other = names.get(parts.slice(0, length).join('/'));
      const [at, otherAt] = [file.at[0], other?.at[0]];
      if (other === undefined || at === undefined || otherAt === undefined) continue;
      throw conflictOf(`file ${file.name}`, 'a folder that is not a file as well', [
        { module: other.usedBy[0] ?? '', at: otherAt, says: `file ${other.name}` }, { module: file.usedBy[0] ?? '', at, says: `file ${file.name}` },
      ], 'Give one of them another saveAs.');
    }
  }
}

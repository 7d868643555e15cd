// What Project.spec.policy lets into a lock: README "Policy".
import type { Aggregated, Remark } from '../bom/aggregate.ts';
import { type ErrorCode, BundleError } from '../bom/errors.ts';
import type { Kind, Resolution } from '../bom/ports.ts';
import type { Position, Wanted } from '../bom/requirement.ts';
import { alikeNames } from './lock-names.ts';

/**
 * What can be judged before anything is resolved: pins, guessed references, unresolved items, weak digests, licences. Gives warnings for
 * what is let through; throws `RESOLVE_UNPINNED` or `RESOLVE_POLICY` for the first thing that is not.
 */
export function checkEntryPolicy(aggregated: Aggregated, strict: boolean): string[] {
  const { policy, images, files, guessed, unresolved, licences } = aggregated;
  const unpinned = [...images, ...files].filter((item) => item.digest === undefined && !('archive' in item) && !('path' in item));
  const [loose] = unpinned;
  checkPackageFiles(aggregated);
  if (policy.unpinned === 'fail' && loose !== undefined) {
    throw refusal('RESOLVE_UNPINNED', { what: nameOf(loose), module: loose.usedBy.join(', '), ...placeOf(loose) }, 'a digest, because policy.unpinned is fail', 'none', 'Write its digest in the document or in an overlay, or set policy.unpinned to resolve.', unpinned.map(nameOf));
  }
  const latest = strict ? images.find(({ ref, digest }) => digest === undefined && ref.endsWith(':latest')) : undefined;
  if (latest !== undefined) throw refusal('RESOLVE_UNPINNED', { what: nameOf(latest), module: latest.usedBy.join(', '), ...placeOf(latest) }, 'a version or a digest (--strict)', 'the tag latest', 'Name a version or a digest.');
  const moving = strict ? aggregated.boms.find(({ origin }) => origin?.pinned === false) : undefined;
  if (moving !== undefined) throw new BundleError('RESOLVE_UNPINNED', { subject: `module ${moving.name}, read at ${moving.origin?.url ?? ''}`, expected: 'an address that says what is there (--strict): oci://…@sha256:…, git+…@<commit>, https://…#sha256:…', actual: moving.origin?.commit ?? moving.origin?.digest ?? 'none', next: 'Write the digest or commit into the address once you trust it.' });
  const weak = policy.weakDigest === 'fail' ? files.find(({ digest, evidence }) => digest === undefined && evidence.length > 0 && !evidence.some((item) => item.startsWith('sha512:'))) : undefined;
  if (weak !== undefined) throw refusal('RESOLVE_POLICY', { what: nameOf(weak), module: weak.usedBy.join(', '), ...placeOf(weak) }, 'a sha256 digest, because policy.weakDigest is fail', weak.evidence.join(', '), 'Write its sha256 digest in the document or in an overlay.');
  checkLicences(licences, policy.licence ?? {});
  checkMoving(aggregated);
  const open = unresolved.filter(({ waived }) => !waived);
  const alike = alikeNames(files).map(({ file, other }) => ({
    what: nameOf(file), module: file.usedBy.join(', '), ...placeOf(file), because: `file ${other.name} of module ${other.usedBy.join(', ')} differs only by case or Unicode normalisation; a USB stick keeps one of them`,
  }));
  const closed = licences.filter(({ notRedistributable }) => notRedistributable === true).map(({ licence, ...remark }) => ({ ...remark, because: `its licence, ${licence}, does not allow to pass it on, as its BOM says` }));
  return [
    ...judge(strict ? 'fail' : 'warn', alike, 'names that every file system tells apart (--strict)', 'a name that another file system cannot tell apart', 'Give one of them another saveAs.'),
    ...judge(policy.licence?.redistributable ?? 'warn', closed, 'content that may be passed on, because policy.licence.redistributable is fail', 'content that may not', 'Leave the entry out, or set policy.licence.redistributable once you have the permission.'),
    ...judge(strict ? 'fail' : policy.guessed ?? 'warn', guessed, 'a reference that is declared', 'a guess', 'Declare it, or set policy.guessed to allow.'),
    ...judge(strict ? 'fail' : policy.unresolved ?? 'warn', open.map(({ what, where, reason, module }) => ({ what: `${what} (${where})`, module, because: reason })),
      'nothing unresolved', 'an entry that nobody could resolve', 'Resolve it with an overlay, set waive: true on it, or set policy.unresolved to allow.'),
  ];
}

/** Metadata and packages that only a sha1 covers. */
function checkWeakHashes({ policy }: Aggregated, resolutions: { readonly [K in Kind]: Resolution<K> }): void {
  const weak = [...resolutions.deb.weak ?? [], ...resolutions.rpm.weak ?? []];
  const [first] = weak;
  if (policy.weakDigest !== 'fail' || first === undefined) return;
  const more = weak.length > 1 ? ` (and ${weak.length - 1} more)` : '';
  throw new BundleError('RESOLVE_POLICY', { subject: first, expected: 'a sha256 or sha512, because policy.weakDigest is fail', actual: `only a sha1${more}`, next: 'Use a repository that lists sha256, or set policy.weakDigest to upgrade, which records a warning.', details: { all: [...weak] } });
}

/** What can be judged by how far each artifact is trusted. Throws `RESOLVE_UNPINNED` when first use is not allowed, `RESOLVE_POLICY` for weak hashes. */
export function checkTrustPolicy(aggregated: Aggregated, resolutions: { readonly [K in Kind]: Resolution<K> }, strict: boolean): void {
  checkWeakHashes(aggregated, resolutions);
  const { policy, images, files } = aggregated;
  if (policy.firstUse !== 'fail' && !strict) return;
  const artifacts = [...resolutions.image.artifacts, ...resolutions.file.artifacts, ...resolutions.deb.artifacts, ...resolutions.rpm.artifacts, ...resolutions.chart.artifacts, ...resolutions.git.artifacts];
  const believed = artifacts.filter(({ trust }) => trust === 'first-use');
  const [first] = believed;
  if (first === undefined) return;
  const name = 'ref' in first && !('commit' in first) ? first.ref : 'name' in first ? first.name : '';
  const wanted = [...images, ...files].find((item) => item.usedBy.length > 0 && ('ref' in item ? item.ref : item.name) === name);
  throw refusal('RESOLVE_UNPINNED', { what: name, module: first.usedBy.join(', '), ...(wanted === undefined ? {} : placeOf(wanted)) },
    `a declared digest or a signature, because ${strict ? 'of --strict' : 'policy.firstUse is fail'}`, `only its first download says what it is (${'digest' in first ? first.digest : 'no digest'})`,
    'Write this digest in the document or in an overlay once you trust it.', believed.map((item) => ('name' in item ? item.name : item.ref)));
}

/** Charts and git repositories are pinned like files: by digest, by commit. */
function checkMoving({ policy, charts, git }: Aggregated): void {
  const loose = [
    ...charts.flatMap(({ name, digest, path, usedBy, at: [at] }) => (digest !== undefined || path !== undefined ? [] : [{ what: `chart ${name}`, module: usedBy.join(', '), ...(at === undefined ? {} : { at }) }])),
    ...git.flatMap(({ name, commit, usedBy, at: [at] }) => (commit !== '' ? [] : [{ what: `git ${name}`, module: usedBy.join(', '), ...(at === undefined ? {} : { at }) }])),
  ];
  const [first] = loose;
  if (policy.unpinned !== 'fail' || first === undefined) return;
  throw refusal('RESOLVE_UNPINNED', first, 'a digest or a commit, because policy.unpinned is fail', 'none', 'Write it in the document or in an overlay, or set policy.unpinned to resolve.', loose.map(({ what }) => what));
}

/** Package files by address are pinned like files. */
function checkPackageFiles({ policy, packageSets }: Aggregated): void {
  const loose = packageSets.flatMap((set) => set.urls.flatMap(({ url, digest, at }) => (url === undefined || digest !== undefined ? [] : [{ what: `package file ${url}`, module: set.usedBy.join(', '), at }])));
  const [first] = loose;
  if (policy.unpinned !== 'fail' || first === undefined) return;
  throw refusal('RESOLVE_UNPINNED', first, 'a digest, because policy.unpinned is fail', 'none', 'Write its digest in the document or in an overlay, or set policy.unpinned to resolve.', loose.map(({ what }) => what));
}

interface Place { readonly at?: Position }
type Judged = Place & { readonly what: string; readonly module: string; readonly because?: string };

function judge(rule: 'allow' | 'warn' | 'fail', items: readonly (Remark | Judged)[], expected: string, actual: string, next: string): string[] {
  const [first] = items;
  if (first === undefined || rule === 'allow') return [];
  const reason = 'because' in first && first.because !== undefined ? `${actual}: ${first.because}` : actual;
  if (rule === 'fail') throw refusal('RESOLVE_POLICY', first, expected, reason, next, items.map(({ what }) => what));
  return items.map((item) => `module ${item.module}: ${item.what}: ${'because' in item && item.because !== undefined ? item.because : actual}`);
}

function checkLicences(licences: Aggregated['licences'], rule: { readonly deny?: readonly string[] | undefined; readonly allow?: readonly string[] | undefined }): void {
  const has = (list: readonly string[], licence: string): boolean => list.some((item) => item.toLowerCase() === licence.toLowerCase());
  const refused = licences.filter(({ licence }) => has(rule.deny ?? [], licence) || (rule.allow !== undefined && !has(rule.allow, licence)));
  const [first] = refused;
  if (first === undefined) return;
  throw refusal('RESOLVE_POLICY', first, 'a licence that policy.licence allows', first.licence, 'Leave the entry out, or change policy.licence.', refused.map(({ what }) => what));
}

function refusal(code: ErrorCode, item: Judged, expected: string, actual: string, next: string, all: readonly string[] = [item.what]): BundleError {
  const place = item.at === undefined ? '' : `${item.at.file}:${item.at.line}:${item.at.column}: `;
  const more = all.length > 1 ? ` (and ${all.length - 1} more)` : '';
  return new BundleError(code, { subject: `${place}${item.what} of module ${item.module}`, expected, actual: `${actual}${more}`, next, details: { all } });
}

function placeOf({ at: [at] }: Wanted): Place {
  return at === undefined ? {} : { at };
}

function nameOf(item: { readonly kind: 'image'; readonly ref: string } | { readonly kind: 'file'; readonly name: string }): string {
  return item.kind === 'image' ? `image ${item.ref}` : `file ${item.name}`;
}

// Package files that a document names by address or path, besides every repository.
import { type Descriptor } from '../../bom/digest.ts';
import { checkNotAborted, redactUrl } from '../../bom/errors.ts';
import { packageMediaType, type Trust } from '../../bom/lock.ts';
import type { Bytes } from '../../bom/ports.ts';
import type { AddressedPackageRequirement, FileRequirement, PackageSetRequirement } from '../../bom/requirement.ts';
import { createFileSource, type FileSourceOptions } from './file.ts';

/** One of them, whole in the store. */
export interface AddressedPackage {
  readonly blob: Descriptor;
  /** Empty for a path. */
  readonly urls: readonly string[];
  /** As the document names it, redacted; also with its place, for messages. */
  readonly name: string;
  readonly subject: string;
  readonly trust: Trust;
  /** Its bytes, verified. */
  open(): Bytes;
}

export type AddressedOptions = Omit<FileSourceOptions, 'headersFor'>;

/** What they lack in `LockedPackage.repo`: a repository. */
export const noRepository = '';

const writtenName = ({ url, path }: AddressedPackageRequirement): string => redactUrl(url ?? path?.written ?? '');

/**
 * Every `urls` entry of `set`, in order, stored: what has a declared digest is fetched once and found again; what has none is believed on
 * first use, like files. Errors of the file source, with the name of the package.
 */
export async function fetchAddressed(options: AddressedOptions, set: PackageSetRequirement, signal: AbortSignal): Promise<AddressedPackage[]> {
  const files = createFileSource({ ...options, headersFor: async () => ({}) });
  const { artifacts } = await files.resolve(set.urls.map((wanted) => fileOf(wanted, set)), signal);
  const stored: AddressedPackage[] = [];
  for (const [index, file] of artifacts.entries()) {
    const wanted = set.urls[index];
    if (wanted === undefined) continue;
    checkNotAborted(signal, set.id);
    const blob = { mediaType: packageMediaType[set.kind], digest: file.digest, size: file.size };
    await options.blobs.fill(blob, (offset) => files.fetch(file, blob, { offset, signal }), signal);
    const name = writtenName(wanted);
    stored.push({
      blob, name, urls: file.urls, trust: wanted.trust ?? file.trust, open: () => options.blobs.open(blob),
      subject: `${wanted.at.file}:${wanted.at.line}:${wanted.at.column}: package file ${name}`,
    });
  }
  return stored;
}

function fileOf(wanted: AddressedPackageRequirement, { usedBy }: PackageSetRequirement): FileRequirement {
  return {
    kind: 'file', name: writtenName(wanted), usedBy, at: [wanted.at], mode: '0644', purpose: 'os-package', headersFrom: [], evidence: [],
    urls: wanted.url === undefined ? [] : [wanted.url],
    ...(wanted.path === undefined ? {} : { path: wanted.path }),
    ...(wanted.digest === undefined ? {} : { digest: wanted.digest }),
  };
}

// updateinfo.xml: advisories of a yum repository; createrepo_c, "updateinfo"; libsolv and dnf read it for `dnf updateinfo`.
import type { Evr } from './evr.ts';
import { readEvr } from './relation-table.ts';
import { type RecordHandler, type RecordOptions, type RecordPlace, RecordReader } from './xml-records.ts';
import type { XmlScanner } from './xml-scanner.ts';

export interface AdvisoryPackage {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
}

export interface Advisory {
  readonly id: string;
  /** `security`, `bugfix`, `enhancement`, `newpackage`, … */
  readonly type: string;
  readonly title?: string;
  readonly severity?: string;
  /** As written: a date, or seconds since 1970. */
  readonly issued?: string;
  /** CVE numbers among its references. */
  readonly cves: readonly string[];
  readonly packages: readonly AdvisoryPackage[];
  /** The `<update>` element, verbatim. */
  readonly text: string;
}

interface Draft {
  id?: string;
  type: string;
  title?: string;
  severity?: string;
  issued?: string;
  cves: string[];
  packages: AdvisoryPackage[];
}

class AdvisoryHandler implements RecordHandler {
  private draft: Draft = { type: '', cves: [], packages: [] };
  private readonly onAdvisory: (advisory: Advisory) => void;

  constructor(onAdvisory: (advisory: Advisory) => void) {
    this.onAdvisory = onAdvisory;
  }

  record(scanner: XmlScanner): void {
    const draft: Draft = { type: scanner.attribute('type') ?? '', cves: [], packages: [] };
    this.draft = draft;
    for (let name = scanner.nextChild(); name !== undefined; name = scanner.nextChild()) {
      const depth = scanner.depth - 1;
      if (name === 'id') draft.id = scanner.content().trim();
      else if (name === 'title') draft.title = scanner.content();
      else if (name === 'severity') draft.severity = scanner.content().trim();
      else if (name === 'issued') draft.issued = scanner.attribute('date') ?? '';
      else if (name === 'references') readReferences(scanner, draft.cves);
      else if (name === 'pkglist') readPackages(scanner, draft.packages);
      scanner.skipTo(depth);
    }
    if (draft.id === undefined || draft.id === '') throw scanner.fail('an advisory with an id', 'one without');
  }

  finish(place: RecordPlace, scanner: XmlScanner): void {
    const { id = '', ...draft } = this.draft;
    const from = place.offset - scanner.base;
    this.onAdvisory({ id, ...draft, text: scanner.bytes.toString('utf8', from, from + place.length) });
  }
}

function readReferences(scanner: XmlScanner, cves: string[]): void {
  for (let name = scanner.nextChild(); name !== undefined; name = scanner.nextChild()) {
    const id = scanner.attribute('id');
    if (name === 'reference' && scanner.attribute('type') === 'cve' && id !== undefined) cves.push(id);
    scanner.skipTo(scanner.depth - 1);
  }
}

function readPackages(scanner: XmlScanner, packages: AdvisoryPackage[]): void {
  for (let name = scanner.nextChild(); name !== undefined; name = scanner.nextChild()) {
    const depth = scanner.depth - 1;
    if (name === 'collection') {
      for (let item = scanner.nextChild(); item !== undefined; item = scanner.nextChild()) {
        const [owner, arch] = [scanner.attribute('name'), scanner.attribute('arch')];
        if (item === 'package' && owner !== undefined) packages.push({ name: owner, arch: arch ?? '', evr: packageEvr(scanner) });
        scanner.skipTo(scanner.depth - 1);
      }
    }
    scanner.skipTo(depth);
  }
}

/** `epoch`, `version` and `release` of `<package>`. */
function packageEvr(scanner: XmlScanner): Evr {
  const evr = readEvr(scanner);
  return { epoch: evr.epoch, version: scanner.attribute('version') ?? '', release: scanner.attribute('release') ?? '' };
}

/** Reads a decompressed updateinfo.xml; every advisory once, in order. Bounds and errors as `readPrimary`. */
export async function readUpdateinfo(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: Omit<RecordOptions, 'root' | 'record'>, onAdvisory: (advisory: Advisory) => void): Promise<void> {
  const reader = new RecordReader({ ...options, root: 'updates', record: 'update' }, new AdvisoryHandler(onAdvisory));
  for await (const chunk of chunks) reader.push(chunk);
  reader.end();
}

/** An updateinfo.xml of the advisories given, each as upstream wrote it. */
export function renderUpdateinfo(advisories: readonly Advisory[]): Uint8Array {
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n${advisories.map(({ text }) => `${text}\n`).join('')}</updates>\n`);
}

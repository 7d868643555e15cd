// What machines have before: a dpkg status file, or a list of names. dpkg-query(1), "Package status"; deb-control(5).
import { parseStanzas } from '../../formats/deb/deb822.ts';

export interface Installed {
  /** name (with `:arch` where the status says a foreign one) to version; undefined: any version will do. */
  readonly packages: ReadonlyMap<string, string | undefined>;
  /** Those of them that stay as they are: `apt-mark hold`. */
  readonly held: ReadonlySet<string>;
  /** Stanzas of it that solving needs beside the repositories' indexes; empty for a plain list. */
  readonly stanzas: Buffer;
}

const isInstalled = (status: string): boolean => /^\S+\s+\S+\s+(?:installed|triggers-awaited|triggers-pending)$/.test(status.trim());

function fromStatus(text: string, subject: string, native: string): Installed {
  const packages = new Map<string, string | undefined>();
  const held = new Set<string>();
  const kept: string[] = [];
  for (const stanza of parseStanzas(text, { subject })) {
    const name = stanza.get('package');
    if (name === undefined || !isInstalled(stanza.get('status') ?? '')) continue;
    const arch = stanza.get('architecture') ?? 'all';
    const label = arch === native || arch === 'all' ? name : `${name}:${arch}`;
    packages.set(label, stanza.get('version'));
    if (/^hold\s/.test((stanza.get('status') ?? '').trim())) held.add(label);
    const fields = [...stanza].filter(([field]) => !['status', 'conffiles', 'description', 'config-version'].includes(field));
    kept.push(fields.map(([field, value]) => `${field}: ${value}\n`).join(''));
  }
  return { packages, held, stanzas: Buffer.from(kept.join('\n')) };
}

/** A package URL (purl specification, type deb) as `name[:arch][=version]`; any other line as it is. */
function plainLine(line: string): string {
  const [, name, version, qualifiers = ''] = /^\s*pkg:deb\/(?:[^/@?#]+\/)?([^/@?#]+)(?:@([^?#\s]+))?(?:\?([^#\s]+))?/.exec(line) ?? [];
  if (name === undefined) return line.replace(/#.*/, '');
  const arch = new URLSearchParams(qualifiers).get('arch');
  return `${decodeURIComponent(name)}${arch === null ? '' : `:${arch}`}${version === undefined ? '' : `=${decodeURIComponent(version)}`}`;
}

/**
 * The packages that a text says are there: a dpkg status file, the output of `dpkg --get-selections`, or lines of `name`, `name:arch`,
 * `name=version` or package URLs; `#` begins a comment. Throws `INTEGRITY_METADATA` for a malformed status file.
 */
export function parseInstalled(text: string, subject: string, native: string): Installed {
  if (/^Package:[ \t]/m.test(text)) return fromStatus(text, subject, native);
  const packages = new Map<string, string | undefined>();
  for (const line of text.split('\n')) {
    const [, name, version, selection] = /^\s*([A-Za-z0-9][A-Za-z0-9+.:_-]*)(?:=(\S+))?(?:\s+(\w+))?\s*$/.exec(plainLine(line)) ?? [];
    if (name === undefined || selection === 'deinstall' || selection === 'purge') continue;
    packages.set(name.replace(new RegExp(`:(?:all|${native})$`), ''), version);
  }
  const versioned = [...packages].filter(([, version]) => version !== undefined);
  const stanza = ([label, version]: readonly [string, string | undefined]): string => {
    const [name, arch = native] = label.split(':');
    return `Package: ${name}\nVersion: ${version}\nArchitecture: ${arch}\n`;
  };
  return { packages, held: new Set(), stanzas: Buffer.from(versioned.map(stanza).join('\n')) };
}

// The text of a .sources file that somebody wrote into a document: sources.list(5), "DEB822-STYLE FORMAT". What would be passed over in silence is refused.
import { didYouMean } from '../../bom/documents/suggest.ts';
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas, type Stanza } from './deb822.ts';
import { entryOf, isNo, isYes, type SourceEntry } from './source-list.ts';

/** Languages and PDiffs say how apt fetches other indexes than ours; Description and X-… are remarks. */
const known = ['types', 'uris', 'suites', 'components', 'architectures', 'architectures-add', 'architectures-remove', 'signed-by', 'enabled', 'by-hash', 'check-valid-until', 'check-date', 'snapshot', 'include', 'exclude', 'languages', 'pdiffs', 'description'];
const waivers: ReadonlySet<string> = new Set(['trusted', 'allow-insecure', 'allow-weak', 'allow-downgrade-to-insecure']);
const lists: ReadonlySet<string> = new Set(['types', 'uris', 'suites', 'components']);
const flags = ['enabled', 'by-hash', 'check-valid-until', 'check-date'];

interface Reading { readonly stanza: Stanza; readonly subjectOf: (name: string) => string }

const bad = (subject: string, expected: string, actual: string, next?: string): BundleError =>
  new BundleError('INPUT_FIELD', { subject, expected, actual, ...(next === undefined ? {} : { next }) });

function checkFields({ stanza, subjectOf }: Reading): void {
  for (const name of stanza.keys()) {
    if (waivers.has(name)) throw bad(subjectOf(name), 'no waiver among the fields of sources', name, 'Say trusted: true beside sources, which the lock records.');
    if (known.includes(name) || name.startsWith('x-')) continue;
    throw bad(subjectOf(name), `a field of sources.list(5) that is known here: ${known.join(', ')}, x-…`, name, didYouMean(name, known));
  }
  for (const name of flags) {
    const value = stanza.get(name)?.trim();
    if (value === undefined || isYes(value) || isNo(value) || (name === 'by-hash' && value === 'force')) continue;
    throw bad(subjectOf(name), name === 'by-hash' ? 'yes, no or force' : 'yes or no', JSON.stringify(value.slice(0, 200)));
  }
}

function sourceOf(reading: Reading): SourceEntry {
  checkFields(reading);
  const { stanza, subjectOf } = reading;
  const words = (name: string): string[] => (stanza.get(name) ?? '').split(/\s+/).filter((item) => item !== '');
  for (const name of ['types', 'uris', 'suites']) if (words(name).length === 0) throw bad(subjectOf(name), 'Types, URIs and Suites in each stanza', `no ${name}`);
  const odd = words('types').find((type) => type !== 'deb' && type !== 'deb-src');
  if (odd !== undefined) throw bad(subjectOf('types'), 'deb or deb-src', odd);
  for (const uri of words('uris')) if (!/^[a-z][a-z0-9+.-]*:\S/i.test(uri)) throw bad(subjectOf('uris'), 'addresses', JSON.stringify(uri.slice(0, 200)));
  return entryOf({ types: words('types'), uris: words('uris'), suites: words('suites'), components: words('components') },
    (name) => (lists.has(name) ? undefined : stanza.get(name)?.trim()), subjectOf(['snapshot', 'include', 'exclude'].find((name) => stanza.has(name)) ?? 'suites'));
}

/**
 * Every stanza, disabled ones included. Throws `INPUT_FIELD` naming `subject` and the line (from 1) for what is no field, a field that is unknown, twice
 * or no such value, and for fields that waive signatures.
 */
export function parseWrittenSources(text: string, subject: string): SourceEntry[] {
  const bytes = Buffer.from(text);
  const lineOf = (at: number): string => `${subject}, line ${bytes.subarray(0, at).filter((code) => code === 10).length + 1} of sources`;
  const starts = new Map<string, number>();
  const first = new Map<number, number>();
  const stanzas = parseStanzas(bytes, {
    subject, comments: true,
    malformed: (at, actual) => bad(lineOf(at), 'a "Name: value" field, a continuation line or an empty line', actual),
    fieldAt: (index, name, start) => { starts.set(`${index} ${name}`, start); if (!first.has(index)) first.set(index, start); },
  });
  return stanzas.map((stanza, index) => sourceOf({ stanza, subjectOf: (name) => lineOf(starts.get(`${index} ${name}`) ?? first.get(index) ?? 0) }));
}

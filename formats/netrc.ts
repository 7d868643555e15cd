// netrc: GNU inetutils manual, "The .netrc file" (machine, login, password, default); comments after #.
import { BundleError } from '../bom/errors.ts';

export interface NetrcEntry {
  /** host[:port]; undefined for `default`. */
  readonly machine?: string;
  readonly login: string;
  readonly password: string;
}

/** The entries of a text in netrc form, in order. Macros are not read. Throws `INPUT_SYNTAX`; nothing of the text is quoted. */
export function parseNetrc(text: string, subject: string): NetrcEntry[] {
  const words = text.replace(/(^|\s)#.*$/gm, '').split(/\s+/).filter((word) => word !== '');
  const entries: { machine?: string; login: string; password: string }[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const key = words[at];
    const last = entries.at(-1);
    if (key === 'default') entries.push({ login: '', password: '' });
    else if (key === 'machine') entries.push({ machine: valueAt(words, at += 1, subject), login: '', password: '' });
    else if (last !== undefined && (key === 'login' || key === 'password')) last[key] = valueAt(words, at += 1, subject);
    else if (last !== undefined && key === 'account') at += 1;
    else throw new BundleError('INPUT_SYNTAX', { subject, expected: '`machine HOST login USER password SECRET` for each host', actual: `another word at place ${at + 1}` });
  }
  return entries;
}

function valueAt(words: readonly string[], at: number, subject: string): string {
  const value = words[at];
  if (value === undefined) throw new BundleError('INPUT_SYNTAX', { subject, expected: 'a value after its key', actual: 'the end' });
  return value;
}

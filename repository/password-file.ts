// Passwords for writing: the htpasswd format of Apache (user:hash per line), bcrypt hashes only.
import { compare } from 'bcryptjs';
import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { BundleError } from '../bom/errors.ts';

const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Of a password nobody knows: unknown users cost as much time as known ones. */
const nobody = '$2b$10$.7ep8/tk1Ko2I5ub4R9pv.x.ps55DTStuE/avE7orCRk52p9j28YW';
const rememberedLimit = 1000;

/** Users and hashes of an htpasswd file. Throws `INPUT_FIELD` with file and line for anything that is not `user:bcrypt`; hashes are never quoted. */
export function parsePasswords(text: string, subject: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [number, line] of text.split('\n').entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const colon = entry.indexOf(':');
    const hash = entry.slice(colon + 1);
    const cost = Number(bcryptHash.exec(hash)?.[1] ?? 0);
    if (colon < 1 || cost < 4 || cost > 16) {
      throw new BundleError('INPUT_FIELD', {
        subject: `${subject}:${number + 1}`,
        expected: 'user:hash with a bcrypt hash ($2y$ or $2b$, cost 4 to 16)',
        actual: colon < 1 ? 'a line without a user' : 'another kind of hash',
        next: 'Write the line with `htpasswd -B`.',
      });
    }
    users.set(entry.slice(0, colon), hash);
  }
  return users;
}

/**
 * Checks passwords against an htpasswd file, which is read again when it changed. A good password is remembered (as a keyed hash, in memory)
 * until then, since bcrypt is slow by design and clients send it with every request.
 */
export class PasswordFile {
  private readonly path: string;
  private readonly key = randomBytes(32);
  private readonly remembered = new Set<string>();
  private users = new Map<string, string>();
  private stamp = '';
  private queue: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Reads the file when it changed. Throws `INPUT_MISSING_FILE` or `INPUT_FIELD`. */
  async refresh(): Promise<void> {
    const missing = (cause: NodeJS.ErrnoException): never => {
      throw new BundleError('INPUT_MISSING_FILE', { subject: this.path, expected: 'a readable htpasswd file', actual: cause.message }, { cause });
    };
    const { mtimeMs, size, ino } = await stat(this.path).catch(missing);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp === this.stamp) return;
    this.users = parsePasswords(await readFile(this.path, 'utf8').catch(missing), this.path);
    this.remembered.clear();
    this.stamp = stamp;
  }

  /** Whether this was verified before, with the file as it is now. Cheap: no hash is computed. */
  async isRemembered(user: string, password: string): Promise<boolean> {
    await this.refresh();
    return this.remembered.has(this.markOf(user, password));
  }

  private markOf(user: string, password: string): string {
    return createHmac('sha256', this.key).update(`${user}\0${password}`).digest('base64');
  }

  async verify(user: string, password: string): Promise<boolean> {
    if (await this.isRemembered(user, password)) return true;
    const mark = this.markOf(user, password);
    const stamp = this.stamp;
    const good = await this.alone(() => compare(password, this.users.get(user) ?? nobody)) && this.users.has(user);
    if (!good || stamp !== this.stamp) return good && stamp === this.stamp;
    if (this.remembered.size >= rememberedLimit) this.remembered.clear();
    this.remembered.add(mark);
    return true;
  }

  /** One hash at a time: a flood of wrong passwords must not take the processor from those who read. */
  private async alone(work: () => Promise<boolean>): Promise<boolean> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }
}

import Database from 'better-sqlite3';
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Digest, digestFromHex, hexOf } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';

/** What a file looked like when its content was last verified: when any of it changed, the content has to be verified again. */
export interface FileStamp {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A loose blob that was verified, or a blob inside an adopted archive. */
export type IndexRow =
  | { readonly where: 'loose'; readonly size: number; readonly stamp: FileStamp }
  | { readonly where: 'pack'; readonly size: number; readonly pack: string; readonly volume: number; readonly offset: number };

interface RawRow { size: number; pack: string | null; volume: number; offset: number; device: number; inode: number; mtime: number }

/**
 * The SQLite index of a store: a cache that may forget and must never lie. Everything in it is rebuilt from blobs and pack records.
 * A file that is no database, or of another version, is replaced by an empty index; what it knew is found again on demand.
 */
export class BlobIndex {
  private readonly database: Database.Database;
  private readonly select: Database.Statement<[Buffer], RawRow>;
  private readonly upsert: Database.Statement<unknown[]>;
  private readonly remove: Database.Statement<[Buffer]>;

  private readonly path: string;
  /** Whether nothing was known when it was opened. */
  readonly isNew: boolean;
  /** Kept in memory only, because the disk is full or cannot be written. */
  readonly isPassing: boolean;

  constructor(path: string) {
    this.path = path;
    this.database = openDatabase(path);
    this.select = this.database.prepare('select size, pack, volume, offset, device, inode, mtime from blob where digest = ?');
    this.upsert = this.database.prepare('insert or replace into blob (digest, size, pack, volume, offset, device, inode, mtime) values (?, ?, ?, ?, ?, ?, ?, ?)');
    this.remove = this.database.prepare('delete from blob where digest = ?');
    this.isPassing = this.database.memory;
    this.isNew = this.database.prepare('select 1 from blob limit 1').get() === undefined;
  }

  get(digest: Digest): IndexRow | undefined {
    const row = this.select.get(keyOf(digest));
    if (row === undefined) return undefined;
    if (row.pack !== null) return { where: 'pack', size: row.size, pack: row.pack, volume: row.volume, offset: row.offset };
    return { where: 'loose', size: row.size, stamp: { device: row.device, inode: row.inode, size: row.size, mtimeMs: row.mtime } };
  }

  /** Rows of those that are known: one look at the file for all, where each by itself takes and gives back a lock of the system. */
  getAll(digests: Iterable<Digest>): ReadonlyMap<Digest, IndexRow> {
    const rows = new Map<Digest, IndexRow>();
    this.database.transaction(() => {
      for (const digest of digests) {
        const row = this.get(digest);
        if (row !== undefined) rows.set(digest, row);
      }
    })();
    return rows;
  }

  set(digest: Digest, row: IndexRow): void {
    this.written(() => this.write(digest, row));
  }

  /** Waiting for other processes has an end (30 s): then it is a matter of the storage, not a defect. */
  private written(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const { code = '' } = cause as { code?: string };
      if (!code.startsWith('SQLITE_')) throw cause;
      throw new BundleError(code === 'SQLITE_FULL' ? 'STORAGE_SPACE' : 'STORAGE_IO', { subject: this.path, expected: 'an index that can be written', actual: (cause as Error).message }, { cause });
    }
  }

  private write(digest: Digest, row: IndexRow): void {
    if (row.where === 'pack') this.upsert.run(keyOf(digest), row.size, row.pack, row.volume, row.offset, 0, 0, 0);
    else this.upsert.run(keyOf(digest), row.size, null, 0, 0, row.stamp.device, row.stamp.inode, row.stamp.mtimeMs);
  }

  /** All or nothing; rows of blobs that are known already are left as they are when `keep` is set. */
  setAll(rows: Iterable<readonly [Digest, IndexRow]>, options: { readonly keep: boolean }): void {
    // Immediate: a transaction that reads first and writes then is refused at once, whatever the timeout, when another process wrote in between.
    this.written(() => this.database.transaction(() => {
      for (const [digest, row] of rows) if (!options.keep || this.get(digest) === undefined) this.write(digest, row);
    }).immediate());
  }

  delete(digest: Digest): void {
    this.written(() => { this.remove.run(keyOf(digest)); });
  }

  /** Rows of blobs that lay loose; those that were found in a pack stay. */
  deleteLoose(digests: readonly Digest[]): void {
    const statement = this.database.prepare<[Buffer]>('delete from blob where digest = ? and pack is null');
    this.written(() => this.database.transaction(() => { for (const digest of digests) statement.run(keyOf(digest)); }).immediate());
  }

  deletePack(pack: string): void {
    this.written(() => { this.database.prepare('delete from blob where pack = ?').run(pack); });
  }

  clear(): void {
    this.database.exec('delete from blob');
  }

  /** Every digest known, with its size; in no order. */
  *all(): Generator<{ readonly digest: Digest; readonly size: number; readonly pack: string | null }> {
    const rows = this.database.prepare<[], { digest: Buffer; size: number; pack: string | null }>('select digest, size, pack from blob').all();
    for (const row of rows) yield { digest: digestFromHex(row.digest.toString('hex')), size: row.size, pack: row.pack };
  }

  close(): void {
    this.database.close();
  }
}

const schemaVersion = 1;

function keyOf(digest: Digest): Buffer {
  return Buffer.from(hexOf(digest), 'hex');
}

function withSchema(database: Database.Database): Database.Database {
  if (database.pragma('user_version', { simple: true }) === schemaVersion) return database;
  database.transaction(() => {
    database.exec('drop table if exists blob');
    database.exec(`create table blob (digest blob primary key, size integer not null, pack text, volume integer not null, offset integer not null,
      device integer not null, inode integer not null, mtime real not null) without rowid`);
    database.exec('create index blob_pack on blob (pack) where pack is not null');
    database.pragma(`user_version = ${schemaVersion}`);
  }).immediate();
  return database;
}

/** Less than this, and SQLite has no room for the files it keeps beside a database. */
const roomBytes = 1 << 20;

function isFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize < roomBytes;
}

/** A medium that was mounted read-only, as a disk with errors is, or the store of another user. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(dirname(path), constants.R_OK | constants.W_OK);
    return false;
  } catch (cause) {
    return ['EROFS', 'EACCES'].includes((cause as NodeJS.ErrnoException).code ?? '');
  }
}

/** On a full or read-only disk, reading goes on and room can be made: what the index knew, in memory. What is learnt is forgotten at the end, as an index may. */
function inMemory(path: string): Database.Database {
  try {
    const image = readFileSync(path);
    // File format, section 1.3.3: versions 2 stand for WAL, which memory has not.
    if (image.length >= 100) image.fill(1, 18, 20);
    return withSchema(new Database(image));
  } catch (cause) {
    const { code = '' } = cause as { readonly code?: string };
    // No file, or one cut short: nothing is known, and everything is found again.
    if (code === 'ENOENT' || code.startsWith('SQLITE_')) return withSchema(new Database(':memory:'));
    throw cause;
  }
}

function openDatabase(path: string): Database.Database {
  try {
    const database = new Database(path, { timeout: 30_000 });
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    return withSchema(database);
  } catch (cause) {
    if (isFull(path) || isReadOnly(path)) return inMemory(path);
    throw new BundleError('STORAGE_IO', {
      subject: path,
      expected: 'an index database that can be opened and written',
      actual: (cause as Error).message,
      next: 'Check the disk and its permissions; if the file itself is damaged, delete it: `longshore store reindex` rebuilds it.',
    }, { cause });
  }
}

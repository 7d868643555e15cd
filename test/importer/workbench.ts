import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BundleEvent } from '../../bom/events.ts';
import type { Descriptor } from '../../bom/digest.ts';
import { exportArchive, type ExportOptions, type ExportResult } from '../../exporter/export.ts';
import { makeSigningKey, parseKeys, parseSigningKey, type PgpKey, type SigningKey } from '../../formats/pgp/keys.ts';
import { importArchive, type ImportOptions, type ImportResult } from '../../importer/import.ts';
import { verifyArchive, type VerifyOptions, type VerifyResult } from '../../importer/verify.ts';
import { Store } from '../../store/store.ts';
import { contentOfSample, type Sample } from '../formats/archive/sample-lock.ts';

export const now = new Date('2026-03-01T00:00:00Z');

/** A folder with a store that holds samples; everything goes with `close`. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'longshore-archive-'));
  readonly events: BundleEvent[] = [];
  private readonly stores: Store[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  async store(name: string, ...samples: readonly Sample[]): Promise<Store> {
    const store = await Store.open(this.path(name), { create: true });
    this.stores.push(store);
    for (const sample of samples) {
      for (const blob of contentOfSample(sample)) await store.put(blob, sample.blobs.open(blob), new AbortController().signal);
    }
    return store;
  }

  async export(sample: Sample, store: ExportOptions['store'], output: string, more: Partial<ExportOptions> = {}): Promise<ExportResult> {
    return exportArchive({
      lock: sample.lock, store, output: this.path(output), concurrency: 2, notify: (event) => this.events.push(event), signal: new AbortController().signal, ...more,
    });
  }

  async verify(paths: readonly string[], more: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
    return verifyArchive(paths, { ...this.common(), ...more });
  }

  async import(store: Store, paths: readonly string[], more: Partial<ImportOptions> = {}): Promise<ImportResult> {
    return importArchive({ ...this.common(), paths, store, copy: false, ...more });
  }

  private common(): VerifyOptions {
    return { keys: [], allowUnsigned: true, concurrency: 2, now, notify: (event) => this.events.push(event), signal: new AbortController().signal };
  }

  close(): void {
    for (const store of this.stores) store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface TestKey { readonly signing: SigningKey; readonly keys: readonly PgpKey[]; readonly publicKey: string }

/** Takes seconds: make one per file. */
export async function testKey(name = 'site'): Promise<TestKey> {
  const { privateKey, publicKey } = await makeSigningKey({ name, date: new Date('2026-01-01T00:00:00Z') });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return { signing: await parseSigningKey(bytes(privateKey), name), keys: await parseKeys(bytes(publicKey), name), publicKey };
}

export async function readBlob(store: { open(blob: Descriptor): AsyncIterable<Uint8Array> }, blob: Descriptor): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.open(blob)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export function fileOf(path: string): Buffer {
  return readFileSync(path);
}

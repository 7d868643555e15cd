import { constants } from 'node:fs';
import { open as openFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { silent } from '../../bom/events.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { LockedRpms } from '../../downloader/sources/yum-received.ts';
import { appendVerified } from '../../store/receive.ts';
import { ReceivedFile } from '../../store/received-file.ts';
import { makeKey } from '../support/rpm-signing.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeYumRepository, type TestRpm, testRpm } from '../support/yum-repository.ts';
import { now, set, source } from './yum-world.ts';

const folder = await temporaryFolder('yum-received');
let count = 0;
let key: PrivateKey;
let other: PrivateKey;
let rpms: TestRpm[];
beforeAll(async () => {
  [key, other] = await Promise.all([makeKey('vendor', { type: 'ecc' }), makeKey('somebody', { type: 'ecc' })]);
  rpms = [await testRpm('tool', { key, version: '2', files: ['/usr/bin/tool'] })];
});

const files = (): Promise<Map<string, Uint8Array>> => makeYumRepository(rpms, {});
const signal = (): AbortSignal => new AbortController().signal;

describe('fetch', () => {
  async function fetched(content: Map<string, Uint8Array>, change: (bytes: Buffer) => Uint8Array, offset = 0): Promise<Buffer> {
    const first = source({ files: content, key });
    const { artifacts: [artifact], repositories = [] } = await first.yum.resolve([set(['tool'])], signal());
    if (artifact === undefined) throw new Error('nothing resolved');
    const url = artifact.urls[0] ?? '';
    content.set(url, change(Buffer.from(content.get(url) ?? '')));
    const { yum } = source({ files: content, key, blobs: first.blobs, previous: repositories });
    const parts: Uint8Array[] = [];
    for await (const part of yum.fetch(artifact, { mediaType: 'application/x-rpm', digest: artifact.digest, size: artifact.size }, { offset, signal: signal() })) parts.push(Uint8Array.from(part));
    return Buffer.concat(parts);
  }

  it('streams from an offset', async () => {
    const bytes = rpms.find(({ name }) => name === 'tool')?.bytes ?? Buffer.alloc(0);
    expect((await fetched(await files(), (all) => all)).equals(bytes)).toBe(true);
    expect((await fetched(await files(), (all) => all, 50)).equals(bytes.subarray(50))).toBe(true);
  });

  /** Into a file that begins with `there`, as a store does it. */
  async function received(content: Map<string, Uint8Array>, { change = (bytes) => bytes, there = 0, byKey = key }: { readonly change?: (bytes: Buffer) => Uint8Array; readonly there?: number; readonly byKey?: PrivateKey } = {}): Promise<{ readonly bytes: Buffer; readonly whole: Buffer; readonly asked: number }> {
    const first = source({ files: content, key: byKey });
    const { artifacts: [artifact], repositories = [] } = await first.yum.resolve([set(['tool'])], signal());
    const url = artifact?.urls[0] ?? '';
    const whole = Buffer.from(change(Buffer.from(content.get(url) ?? '')));
    content.set(url, whole);
    const { yum, http } = source({ files: content, key: byKey, blobs: first.blobs, previous: repositories });
    const temporary = join(folder, `${count++}.part`);
    await writeFile(temporary, whole.subarray(0, there));
    const handle = new ReceivedFile(temporary, constants.O_RDWR);
    // What the lock says of the whole file is the store's to check: here it is what comes.
    const blob = { mediaType: 'application/x-rpm', digest: digestOf(whole), size: whole.length };
    try {
      await appendVerified(handle, { blob, temporary, signal: signal(), from: (offset, into) => yum.fetch({ ...artifact, size: whole.length } as LockedPackage, blob, { offset, into, signal: signal() }) });
    } finally {
      await handle.close();
    }
    return { bytes: await readFile(temporary), whole, asked: http.asked.length };
  }

  it('checks what lies in a file, and goes on where an earlier run was stopped', async () => {
    for (const there of [0, 50, 700]) {
      const { bytes, whole } = await received(await files(), { there });
      expect(bytes.equals(whole)).toBe(true);
    }
    const length = rpms.find(({ name }) => name === 'tool')?.bytes.length ?? 0;
    expect((await received(await files(), { there: length })).bytes.length).toBe(length);
    const foreign = await testRpm('tool', { version: '2', key: other, files: ['/usr/bin/tool'] });
    const payload = (bytes: Buffer): Buffer => { bytes[bytes.length - 1] = 0; return bytes; };
    for (const there of [0, 50, length]) {
      await expect(received(await files(), { there, change: payload })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
      await expect(received(await files(), { there, change: () => Buffer.from('short') })).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
      await expect(received(await files(), { there, change: () => foreign.bytes })).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    }
  });

  it('refuses another payload under the signed headers, and other headers', async () => {
    await expect(fetched(await files(), (bytes) => { bytes[bytes.length - 1] = 0; return bytes; })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    await expect(fetched(await files(), () => Buffer.from('short'))).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    const foreign = await testRpm('tool', { version: '2', key: other, files: ['/usr/bin/tool'] });
    await expect(fetched(await files(), () => foreign.bytes)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
  });

  it('says how it is asked for by whoever fetches many, and checks what came', async () => {
    const content = await files();
    const first = source({ files: content, key });
    const { artifacts: [artifact], repositories = [] } = await first.yum.resolve([set(['tool'])], signal());
    if (artifact === undefined) throw new Error('nothing resolved');
    const [url = ''] = artifact.urls;
    const foreign = await testRpm('tool', { version: '2', key: other, files: ['/usr/bin/tool'] });
    const locked = new LockedRpms({ http: first.http, blobs: first.blobs, now: () => now, notify: silent, headersFor: async () => ({}), previous: repositories });
    const plain = await locked.plain(artifact);
    expect(plain).toMatchObject({ url, tailFrom: expect.any(Number) as number });
    const checked = async (bytes: Uint8Array, tail: boolean): Promise<void> => {
      const path = join(folder, `${count++}.whole`);
      await writeFile(path, bytes);
      const handle = await openFile(path, 'r');
      const from = plain?.tailFrom ?? 0;
      try {
        await plain?.check?.({ fd: handle.fd, sizeBytes: bytes.length, tail: tail ? { from, hex: hexOf(digestOf(bytes.subarray(from))) } : undefined });
      } finally {
        await handle.close();
      }
    };
    const whole = content.get(url) ?? Buffer.alloc(0);
    for (const tail of [true, false]) {
      await checked(whole, tail);
      await expect(checked(Buffer.concat([whole.subarray(0, -1), Buffer.of(0)]), tail)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
      await expect(checked(foreign.bytes, tail)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    }
    const { signedBy: _, ...unsigned } = artifact;
    expect(await locked.plain(unsigned)).toEqual({ url });
    expect(await locked.plain({ ...artifact, urls: ['file:///srv/tool.rpm'] })).toBeUndefined();
    expect(await new LockedRpms({ http: first.http, blobs: first.blobs, now: () => now, notify: silent, headersFor: async () => ({ 'x-a': 'b' }), previous: repositories.map((each) => ({ ...each, headersFrom: ['token'] })) }).plain(artifact)).toBeUndefined();
  });
});

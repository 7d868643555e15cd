import { X509Certificate } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issueServerCertificate, makeAuthority } from '../../repository/tls/certificate.ts';
import { integer, oid, time, tlv } from '../../repository/tls/der.ts';
import { openOwnTls, type OwnTls, rotateAuthority } from '../../repository/tls/own-tls.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeBed } from './support.ts';
import { runs } from '../support/runs.ts';

const now = new Date();
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);

function get(url: string, ca: string): Promise<{ status: number; text: string; peer: PeerCertificate }> {
  return new Promise((done, fail) => {
    request(url, { ca, agent: false }, (response) => {
      const peer = (response.socket as TLSSocket).getPeerCertificate();
      let text = '';
      response.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('end', () => { done({ status: response.statusCode ?? 0, text, peer }); });
    }).on('error', fail).end();
  });
}

describe('DER', () => {
  it('writes lengths, numbers, object identifiers and times as X.690 and RFC 5280 say', () => {
    expect(Buffer.from(tlv(4, Buffer.alloc(127))).subarray(0, 2).toString('hex')).toBe('047f');
    expect(Buffer.from(tlv(4, Buffer.alloc(128))).subarray(0, 3).toString('hex')).toBe('048180');
    expect(Buffer.from(tlv(4, Buffer.alloc(256))).subarray(0, 4).toString('hex')).toBe('04820100');
    expect(Buffer.from(tlv(4, Buffer.alloc(70_000))).subarray(0, 5).toString('hex')).toBe('0483011170');
    expect(Buffer.from(integer(Buffer.from([0, 0, 0x80]))).toString('hex')).toBe('02020080');
    expect(Buffer.from(integer(Buffer.from([0]))).toString('hex')).toBe('020100');
    expect(Buffer.from(oid('1.2.840.10045.4.3.2')).toString('hex')).toBe('06082a8648ce3d040302');
    expect(Buffer.from(time(new Date('2049-12-31T23:59:59.9Z'))).toString('latin1')).toBe('\x17\x0d491231235959Z');
    expect(Buffer.from(time(new Date('2050-01-01T00:00:00Z'))).toString('latin1')).toBe('\x18\x0f20500101000000Z');
  });
});

describe('certificates', () => {
  const authority = makeAuthority({ name: 'longshore repo01', now, days: 3650 });

  it('of the authority sign themselves and may sign others', () => {
    const root = new X509Certificate(authority.certificate);
    expect([root.ca, root.verify(root.publicKey), root.checkIssued(root)]).toEqual([true, true, true]);
  });

  it('of servers are issued by it for exactly the hosts that were asked for', () => {
    const root = new X509Certificate(authority.certificate);
    const server = new X509Certificate(issueServerCertificate(authority, { hosts: ['repo01.example.org', '192.0.2.7', '2001:db8::1', '::'], now, days: 397 }).certificate);
    expect([server.ca, server.verify(root.publicKey), server.checkIssued(root)]).toEqual([false, true, true]);
    expect(server.subjectAltName).toBe('DNS:repo01.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:1, IP Address:0:0:0:0:0:0:0:0');
    expect([server.checkHost('repo01.example.org'), server.checkHost('other.example.org'), server.checkIP('192.0.2.7'), server.checkIP('192.0.2.8')])
      .toEqual(['repo01.example.org', undefined, '192.0.2.7', undefined]);
    expect(server.validToDate.getTime()).toBeLessThanOrEqual(days(397).getTime());
  });

  it('carry any IPv6 address right', () => {
    fc.assert(fc.property(fc.ipV6(), (address) => {
      const server = new X509Certificate(issueServerCertificate(authority, { hosts: [address], now, days: 1 }).certificate);
      expect(server.checkIP(address)).toBeDefined();
    }), { numRuns: runs(30) });
  });
});

describe('the machine\'s own TLS', async () => {
  const folder = await temporaryFolder('tls');

  it('is made on first use, with private keys that only the owner reads, and kept', async () => {
    const first = await openOwnTls(join(folder, 'a'), { hosts: ['localhost', '127.0.0.1'], now });
    for (const key of ['ca.key', 'server.key']) expect((await stat(join(folder, 'a', key))).mode & 0o777).toBe(0o600);
    const again = await openOwnTls(join(folder, 'a'), { hosts: ['127.0.0.1'], now: days(100) });
    expect([again.cert, again.fingerprint]).toEqual([first.cert, first.fingerprint]);
    expect(first.fingerprint).toBe(new X509Certificate(first.ca).fingerprint256);
  });

  it('is renewed in time, and for new hosts, by the same authority', async () => {
    const first = await openOwnTls(join(folder, 'b'), { hosts: ['127.0.0.1'], now });
    const moreHosts = await openOwnTls(join(folder, 'b'), { hosts: ['127.0.0.1', 'repo02.example.org'], now });
    const later = await openOwnTls(join(folder, 'b'), { hosts: ['127.0.0.1'], now: days(380) });
    expect(new Set([first.cert, moreHosts.cert, later.cert]).size).toBe(3);
    expect([moreHosts.ca, later.ca]).toEqual([first.ca, first.ca]);
    await expect(openOwnTls(join(folder, 'b'), { hosts: ['127.0.0.1'], now: days(3640) })).rejects.toMatchObject({ code: 'INTEGRITY_EXPIRED' });
    const rotated = await rotateAuthority(join(folder, 'b'), { hosts: ['127.0.0.1'], now: days(3640) });
    expect(rotated.ca).not.toBe(first.ca);
    expect(await readFile(join(folder, 'b/ca.old.pem'), 'utf8')).toBe(first.ca);
  });

  it('is one authority, whoever makes it first, also after a rotation that was stopped in the middle', async () => {
    const many = (name: string): Promise<OwnTls[]> => Promise.all(Array.from({ length: 8 }, () => openOwnTls(join(folder, name), { hosts: ['127.0.0.1'], now })));
    const first = await many('e');
    const onDisk = await readFile(join(folder, 'e/ca.pem'), 'utf8');
    expect(new Set(first.map(({ ca }) => ca))).toEqual(new Set([onDisk]));
    for (const { cert } of first) expect(new X509Certificate(cert).verify(new X509Certificate(onDisk).publicKey)).toBe(true);
    // A stop between the key and its certificate, and between a new key and the certificate of it.
    await rm(join(folder, 'e/ca.pem'));
    expect(new Set((await many('e')).map(({ ca }) => ca)).size).toBe(1);
    await writeFile(join(folder, 'e/ca.key'), makeAuthority({ name: 'next', now, days: 1 }).key);
    const next = await openOwnTls(join(folder, 'e'), { hosts: ['127.0.0.1'], now });
    expect([next.ca === onDisk, next.ca]).toEqual([false, await readFile(join(folder, 'e/ca.pem'), 'utf8')]);
    await rm(join(folder, 'e/ca.key'));
    await expect(openOwnTls(join(folder, 'e'), { hosts: ['127.0.0.1'], now })).rejects.toMatchObject({ code: 'STORAGE_IO', facts: { actual: 'a certificate without its key' } });
    expect(await readFile(join(folder, 'e/ca.pem'), 'utf8')).toBe(next.ca);
    await rm(join(folder, 'e/ca.pem'));
    await writeFile(join(folder, 'e/ca.key'), 'nonsense');
    await expect(openOwnTls(join(folder, 'e'), { hosts: ['127.0.0.1'], now })).rejects.toMatchObject({ code: 'STORAGE_IO' });
  });

  it('does not go on with damaged files', async () => {
    await openOwnTls(join(folder, 'c'), { hosts: ['127.0.0.1'], now });
    await writeFile(join(folder, 'c/ca.pem'), 'nonsense');
    await expect(openOwnTls(join(folder, 'c'), { hosts: ['127.0.0.1'], now })).rejects.toMatchObject({ code: 'STORAGE_IO' });
    await expect(makeBed({ tls: { cert: 'nonsense', key: 'nonsense' } })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
    // Node would listen with these.
    await expect(makeBed({ tls: { cert: '', key: '' } })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
    const [one, other] = [makeAuthority({ name: 'one', now, days: 1 }), makeAuthority({ name: 'other', now, days: 1 })];
    await expect(makeBed({ tls: { cert: one.certificate, key: other.key } })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });

  it('serves on any address, hands out its authority, and is renewed without a restart', async () => {
    const tls = await openOwnTls(join(folder, 'd'), { hosts: ['127.0.0.1'], now });
    const bed = await makeBed({ tls, listen: [{ host: '0.0.0.0', port: 0 }] });
    const url = bed.origin.replace('0.0.0.0', '127.0.0.1');
    expect(url).toMatch(/^https:/);
    expect((await get(`${url}/keys/ca.pem`, tls.ca)).text).toBe(tls.ca);
    const challenge = await get(`${url}/v2/`, tls.ca);
    expect(challenge.status).toBe(401);
    const renewed = await openOwnTls(join(folder, 'd'), { hosts: ['127.0.0.1', 'repo02.example.org'], now });
    const before = (await get(`${url}/healthz`, tls.ca)).peer.fingerprint256;
    bed.service.renewTls(renewed);
    const after = (await get(`${url}/healthz`, tls.ca)).peer.fingerprint256;
    expect(after).not.toBe(before);
    expect(() => bed.service.renewTls({ cert: '', key: '' })).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }));
    expect((await get(`${url}/healthz`, tls.ca)).peer.fingerprint256).toBe(after);
    await expect(get(`${url}/healthz`, makeAuthority({ name: 'other', now, days: 1 }).certificate)).rejects.toThrow();
    for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const satisfies SecureVersion[]) {
      const works = await new Promise<boolean>((done) => {
        const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: tls.ca, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }, () => { done(true); socket.destroy(); });
        socket.on('error', () => { done(false); });
      });
      expect([version, works]).toEqual([version, version >= 'TLSv1.2']);
    }
    await bed.close();
  });
});

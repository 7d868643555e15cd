import { createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { networkOf } from '../../repository/access.ts';
import { parsePasswords } from '../../repository/password-file.ts';
import { basic, type Bed, errorCode, makeBed, makeFile, makeImage, makeLock, makePushable, pushImage, servedOf, user } from './support.ts';

const wrong = `Basic ${Buffer.from(`${user}:wrong`).toString('base64')}`;

async function tokenFor(bed: Bed, authorization?: string): Promise<string> {
  const response = await bed.ask('/v2/token?service=longshore&scope=repository:a/b:pull,push', authorization === undefined ? {} : { headers: { authorization } });
  return ((await response.json()) as { token: string }).token;
}

describe('a registry that is read by all and written with a password', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await makeBed();
    bed.served.push(servedOf(makeLock('site', { images: [await makeImage(bed, 'docker.io/library/app:1')], files: [await makeFile(bed, 'a.txt', 'a')] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());
  const start = (authorization?: string): Promise<Response> => bed.ask('/v2/a/b/blobs/uploads/', { method: 'POST', headers: authorization === undefined ? {} : { authorization } });

  it('sends clients for a token at the version check, and names its own address', async () => {
    const response = await bed.ask('/v2/');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(`Bearer realm="${bed.origin}/v2/token",service="longshore"`);
    expect(await errorCode(response)).toBe('UNAUTHORIZED');
  });

  it('lets an anonymous token read and not write', async () => {
    const authorization = `Bearer ${await tokenFor(bed)}`;
    expect((await bed.ask('/v2/', { headers: { authorization } })).status).toBe(200);
    expect((await bed.ask('/v2/library/app/manifests/1', { headers: { authorization } })).status).toBe(200);
    const refused = await start(authorization);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('scope="repository:a/b:pull,push"')]);
  });

  it('reads without any token too', async () => {
    for (const path of ['/v2/library/app/manifests/1', '/v2/library/app/tags/list', '/v2/_catalog', '/files/a.txt', '/']) expect((await bed.ask(path)).status).toBe(200);
  });

  it('writes with a token for a password, or with the password itself', async () => {
    expect((await start(`Bearer ${await tokenFor(bed, basic)}`)).status).toBe(202);
    expect((await start(basic)).status).toBe(202);
  });

  it('takes an empty password for none, as some clients send it', async () => {
    const authorization = `Basic ${Buffer.from(':').toString('base64')}`;
    expect((await bed.ask('/v2/library/app/manifests/1', { headers: { authorization } })).status).toBe(200);
    expect((await start(authorization)).status).toBe(401);
  });

  it('refuses wrong passwords, forged and foreign tokens, and other schemes', async () => {
    const token = await tokenFor(bed, basic);
    const other = await makeBed();
    const [payload] = token.split('.');
    const forged = `${Buffer.from(JSON.stringify({ user, until: 9_999_999_999 })).toString('base64url')}.${token.split('.')[1]}`;
    for (const authorization of [wrong, `Basic ${Buffer.from('nobody:x').toString('base64')}`, `Bearer ${forged}`, `Bearer ${payload}`, `Bearer ${await tokenFor(other, basic)}`, 'Digest x', 'Bearer', 'Basic !!!']) {
      expect([authorization, (await start(authorization)).status]).toEqual([authorization, 401]);
    }
    await other.close();
  });

  it('checks before it reads a body, for every kind of write', async () => {
    const body = Buffer.alloc(100_000);
    const digest = digestOf('x');
    const writes: readonly (readonly [string, string])[] = [
      ['POST', '/v2/a/b/blobs/uploads/'], ['PATCH', '/v2/a/b/blobs/uploads/0'], ['PUT', '/v2/a/b/blobs/uploads/0'], ['PUT', '/v2/a/b/manifests/x'],
      ['DELETE', '/v2/a/b/manifests/x'], ['DELETE', `/v2/a/b/blobs/${digest}`], ['GET', '/v2/a/b/blobs/uploads/0'],
    ];
    for (const [method, path] of writes) {
      const response = await bed.ask(path, { method, ...(method === 'GET' ? {} : { body }) });
      expect([method, path, response.status, await errorCode(response)]).toEqual([method, path, 401, 'UNAUTHORIZED']);
    }
  });

  it('does not let a push or a deletion touch what a lock brought', async () => {
    const refused = await pushImage(bed, 'docker.io/library/app', '1', makePushable('impostor'));
    expect([refused.status, await errorCode(refused)]).toEqual([403, 'DENIED']);
    const denied = await bed.ask('/v2/docker.io/library/app/manifests/1', { method: 'DELETE', auth: true });
    expect([denied.status, await errorCode(denied)]).toEqual([403, 'DENIED']);
    const signature = makePushable('signature');
    expect((await pushImage(bed, 'docker.io/library/app', 'sha256-abc.sig', signature)).status).toBe(201);
    expect((await bed.ask('/v2/library/app/manifests/sha256-abc.sig?ns=docker.io')).headers.get('docker-content-digest')).toBe(signature.digest);
  });
});

describe('who may', () => {
  it('never write without a password file, or without a place to write', async () => {
    for (const options of [{ passwords: false }, { readOnly: true }]) {
      const bed = await makeBed(options);
      expect((await bed.ask('/v2/')).status).toBe(200);
      const refused = await bed.ask('/v2/a/b/blobs/uploads/', { method: 'POST', ...(options.readOnly === true ? { auth: true } : {}) });
      expect([refused.status, await errorCode(refused)]).toEqual([405, 'UNSUPPORTED']);
      await bed.close();
    }
  });

  it('not read anything but the health check when reading needs a password', async () => {
    const bed = await makeBed({ readAuth: true });
    bed.served.push(servedOf(makeLock('site', { images: [await makeImage(bed, 'docker.io/library/app:1')], files: [await makeFile(bed, 'a.txt', 'a')] })));
    await bed.service.settled();
    const paths = ['/', '/files/', '/files/a.txt', '/api/v1/projects', '/keys/longshore.asc', '/charts/index.yaml', '/v2/', '/v2/_catalog', '/v2/library/app/manifests/1', '/v2/library/app/tags/list', `/v2/library/app/referrers/${digestOf('x')}`, '/v2/token'];
    for (const path of paths) {
      const response = await bed.ask(path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('www-authenticate')).toMatch(path.startsWith('/v2') && path !== '/v2/token' ? /^Bearer / : /^Basic /);
    }
    expect((await bed.ask('/healthz')).status).toBe(200);
    for (const path of ['/', '/files/a.txt', '/v2/library/app/manifests/1']) expect((await bed.ask(path, { auth: true })).status).toBe(200);
    await bed.close();
  });

  it('not go on guessing: an address waits after many wrong passwords, and then may again', async () => {
    let time = 1_000_000;
    const bed = await makeBed({ now: () => time });
    const guess = (authorization: string): Promise<Response> => bed.ask('/v2/', { headers: { authorization } });
    for (let i = 0; i < 20; i += 1) expect((await guess(wrong)).status).toBe(401);
    const waiting = await guess(basic);
    expect([waiting.status, await errorCode(waiting)]).toEqual([429, 'TOOMANYREQUESTS']);
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await bed.ask('/healthz')).status).toBe(200);
    time += 61_000;
    expect((await guess(basic)).status).toBe(200);
    for (let i = 0; i < 21; i += 1) await guess(wrong);
    // Who is known already goes on working beside the one who guesses.
    expect([(await guess(wrong)).status, (await guess(basic)).status]).toEqual([429, 200]);
    await bed.close();
  });

  it('not guess many at once either, nor from all over a network, while others log in', async () => {
    const bed = await makeBed();
    const from = (address: string, authorization: string): Promise<Response> => bed.ask('/v2/', { headers: { authorization, 'x-forwarded-for': address } });
    const guesses = await Promise.all(Array.from({ length: 60 }, (_, index) => from(`2001:db8:1:2::${index.toString(16)}`, `Basic ${Buffer.from(`${user}:guess ${index}`).toString('base64')}`)));
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(20);
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(40);
    // A burst of one who knows the password is no guessing.
    const burst = await Promise.all(Array.from({ length: 60 }, () => from('2001:db8:1:3::1', basic)));
    expect(new Set(burst.map(({ status }) => status))).toEqual(new Set([200]));
    await bed.close();
  });

  it.each([['192.0.2.7', '192.0.2.7'], ['2001:db8::7', '2001:db8:0:0'], ['2001:0db8:1:2:3:4:5:6', '2001:db8:1:2'], ['::1', '0:0:0:0'], ['fe80::1%eth0', 'fe80:0:0:0'], ['local', 'local']])('counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('write with a password that was added while serving, and not with one that was taken away', async () => {
    const bed = await makeBed();
    const as = (name: string): string => `Basic ${Buffer.from(`${name}:new`).toString('base64')}`;
    expect((await bed.ask('/v2/', { headers: { authorization: basic } })).status).toBe(200);
    await writeFile(join(bed.folder, 'htpasswd'), `# operators\n\nadded:${hashSync('new', 4)}\n`);
    expect((await bed.ask('/v2/', { headers: { authorization: as('added') } })).status).toBe(200);
    expect((await bed.ask('/v2/', { headers: { authorization: basic } })).status).toBe(401);
    await bed.close();
  });
});

describe('the password file', () => {
  it('holds bcrypt only, and never shows a hash in an error', () => {
    const good = '$2y$05$abcdefghijklmnopqrstuuDhpYFMYNlHlGMRMR3GPuKZyqSRE1Kxa';
    expect([...parsePasswords(`a:${good}\n# c\n\nb:${good.replace('2y', '2b')}\n`, 'f').keys()]).toEqual(['a', 'b']);
    for (const line of ['a:$apr1$x$yyyyyyyyyyyyyyyyyyyyyy', 'a:plain', 'nocolon', ':x', `a:${good.replace('$05$', '$31$')}`, 'a:{SHA}secrethash']) {
      expect(() => parsePasswords(`ok:${good}\n${line}`, 'htpasswd')).toThrow(/^htpasswd:2: expected user:hash with a bcrypt/);
      expect(() => parsePasswords(line, 'htpasswd')).not.toThrow(/secrethash|plain/);
    }
  });

  it('must exist', async () => {
    await expect(makeBed({ passwords: false, readAuth: true })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});

describe('addresses', () => {
  it('that others reach need TLS or an explicit wish', async () => {
    for (const host of ['0.0.0.0', '192.0.2.1', '::', 'example.org']) {
      await expect(makeBed({ listen: [{ host, port: 0 }] })).rejects.toMatchObject({ code: 'INPUT_FLAG', exitCode: 2 });
    }
    const bed = await makeBed({ listen: [{ host: '0.0.0.0', port: 0 }], insecureHttp: true });
    await bed.close();
  });

  it('that are taken are refused, and the others are given back', async () => {
    const holder = createServer();
    await new Promise<void>((done) => { holder.listen(0, '127.0.0.1', () => { done(); }); });
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(makeBed({ listen: [{ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port }] })).rejects.toMatchObject({ code: 'TARGET_LISTEN', exitCode: 7 });
    await new Promise((done) => { holder.close(done); });
  });

  it('that are none are told as that', async () => {
    await expect(makeBed({ listen: [{ host: 'no-such-host.invalid', port: 0 }], insecureHttp: true })).rejects.toMatchObject({ code: 'TARGET_LISTEN', facts: { actual: expect.stringContaining('a host name that has no address') } });
    await expect(makeBed({ listen: [{ host: '192.0.2.77', port: 0 }], insecureHttp: true })).rejects.toMatchObject({ code: 'TARGET_LISTEN', facts: { actual: 'no interface of this machine has it' } });
  });

  it('may be several, IPv6 too', async () => {
    const bed = await makeBed({ listen: [{ host: '127.0.0.1', port: 0 }, { host: '::1', port: 0 }] });
    expect(bed.service.addresses[1]).toMatch(/^http:\/\/\[::1\]:\d+$/);
    for (const address of bed.service.addresses) expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await bed.close();
  });
});

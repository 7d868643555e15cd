import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { createCredentials, type Credentials } from '../../transport/credentials.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
let folder: string;
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

describe('credentials of other tools', () => {
  async function home(files: Readonly<Record<string, unknown>>, env: Record<string, string> = {}, helperTimeoutMs?: number): Promise<Credentials> {
    const dir = folder = await mkdtemp(join(tmpdir(), 'longshore-test-'));
    open.push(() => rm(dir, { recursive: true }));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(dir, name, '..'), { recursive: true });
      await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
      if (name.startsWith('bin/')) await chmod(join(dir, name), 0o755);
    }
    const filled = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replace('HOME', dir)]));
    return createCredentials({ homeDir: dir, ...(helperTimeoutMs === undefined ? {} : { helperTimeoutMs }), env: { PATH: `${join(dir, 'bin')}${delimiter}${process.env['PATH']}`, ...filled } });
  }
  const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') });

  it('reads Docker\'s and podman\'s files, most specific entry first', async () => {
    const credentials = await home({
      '.docker/config.json': { auths: { 'https://index.docker.io/v1/': auth('hub:p:w'), 'r.example.org:5000': { identitytoken: 'id' } } },
      'run/containers/auth.json': { auths: { 'quay.io': auth('q:1'), 'quay.io/team': auth('t:2') } },
    }, { XDG_RUNTIME_DIR: 'HOME/run' });
    expect(await credentials.find('docker.io', 'library/nginx', signal)).toEqual({ kind: 'basic', user: 'hub', password: 'p:w' });
    expect(await credentials.find('r.example.org:5000', 'x', signal)).toEqual({ kind: 'identity', token: 'id' });
    expect(await credentials.find('quay.io', 'team/app', signal)).toEqual({ kind: 'basic', user: 't', password: '2' });
    expect(await credentials.find('quay.io', 'teamwork/app', signal)).toEqual({ kind: 'basic', user: 'q', password: '1' });
    expect(await credentials.find('ghcr.io', 'x', signal)).toBeUndefined();
  });

  it('takes the environment first, in netrc form', async () => {
    const credentials = await home({ '.docker/config.json': { auths: { 'a.example:5000': auth('file:1') } } }, { LONGSHORE_REGISTRY_AUTH: 'machine a.example:5000 login env password 2' });
    expect(await credentials.find('a.example:5000', 'x', signal)).toEqual({ kind: 'basic', user: 'env', password: '2' });
    expect(await credentials.find('b.example', 'x', signal)).toBeUndefined();
    expect(await (await home({}, { LONGSHORE_REGISTRY_AUTH: 'machine bücher.example login u password p' })).find('xn--bcher-kva.example', 'x', signal)).toMatchObject({ user: 'u' });
  });

  it('asks helpers, and believes their "not found"', async () => {
    const helper = `#!/bin/sh
read -r server
case "$server" in
  good.example.org) echo '{"ServerURL":"x","Username":"h","Secret":"s"}';;
  token.example.org) echo '{"Username":"<token>","Secret":"s"}';;
  none.example.org) echo 'credentials not found in native keychain'; exit 1;;
  *) echo boom; exit 2;;
esac
`;
    const credentials = await home({ '.docker/config.json': { credsStore: 'test', credHelpers: { 'x.example.org': '../evil' } }, 'bin/docker-credential-test': helper });
    expect(await credentials.find('good.example.org', 'a', signal)).toEqual({ kind: 'basic', user: 'h', password: 's' });
    expect(await credentials.find('token.example.org', 'a', signal)).toEqual({ kind: 'identity', token: 's' });
    expect(await credentials.find('none.example.org', 'a', signal)).toBeUndefined();
    expect((await failure(credentials.find('bad.example.org', 'a', signal))).code).toBe('TRANSFER_AUTH');
    expect((await failure(credentials.find('x.example.org', 'a', signal))).code).toBe('INPUT_FIELD');
  });

  it.each(['exec sleep 600', 'sleep 600 & wait', 'echo boom; sleep 600'])('gives up on a helper that does not answer: %s', async (hangs) => {
    const credentials = await home({ '.docker/config.json': { credsStore: 'slow' }, 'bin/docker-credential-slow': `#!/bin/sh\n${hangs}\n` }, {}, 300);
    const error = await failure(credentials.find('r.example.org', 'a', signal));
    expect([error.code, error.facts.subject, error.facts.actual]).toEqual(['TRANSFER_AUTH', 'docker-credential-slow (r.example.org)', 'no answer within 0.3 s']);
  });

  it('stops waiting for a helper when a stop is asked for, and asks again in the next run', async () => {
    const credentials = await home({ '.docker/config.json': { credsStore: 'slow' }, 'bin/docker-credential-slow': `#!/bin/sh\n[ -e "$0.second" ] || { : > "$0.second"; exec sleep 600; }\necho '{"Username":"h","Secret":"s"}'\n` });
    const stop = new AbortController();
    const asked = failure(credentials.find('r.example.org', 'a', stop.signal));
    setTimeout(() => stop.abort(), 200);
    expect((await asked).code).toBe('INTERRUPTED');
    expect(await credentials.find('r.example.org', 'a', signal)).toEqual({ kind: 'basic', user: 'h', password: 's' });
  });

  it('asks a helper once for each server, also after it failed', async () => {
    const helper = '#!/bin/sh\nread -r server\necho "$server" >> "$0.asked"\n[ "$server" = bad.example.org ] && exit 2\necho \'{"Username":"h","Secret":"s"}\'\n';
    const credentials = await home({ '.docker/config.json': { credsStore: 'test' }, 'bin/docker-credential-test': helper });
    for (const path of ['a', 'b', 'c/d']) {
      expect(await credentials.find('good.example.org', path, signal)).toMatchObject({ user: 'h' });
      expect((await failure(credentials.find('bad.example.org', path, signal))).code).toBe('TRANSFER_AUTH');
    }
    expect((await readFile(join(folder, 'bin/docker-credential-test.asked'), 'utf8')).trim().split('\n')).toEqual(['good.example.org', 'bad.example.org']);
  });

  it.each(['', 'null', '[]', '{"Username":"u"}', 'not json s3cret', '{"Username":1,"Secret":"s3cret"}'])('refuses the answer %j of a helper and quotes nothing of it', async (answer) => {
    const credentials = await home({ '.docker/config.json': { credsStore: 'odd' }, 'bin/docker-credential-odd': `#!/bin/sh\ncat <<'END'\n${answer}\nEND\n` });
    const error = await failure(credentials.find('r.example.org', 'a', signal));
    expect(JSON.stringify([error.code, error.message, error.facts, String(error.cause)])).not.toContain('s3cret');
  });

  it('names a helper that is not there', async () => {
    const error = await failure((await home({ '.docker/config.json': { credsStore: 'gone' } })).find('r.example.org', 'a', signal));
    expect([error.code, error.facts.subject]).toEqual(['TRANSFER_AUTH', 'docker-credential-gone (r.example.org)']);
  });

  it('quotes nothing of a broken file', async () => {
    for (const content of ['{"auths": {"x": s3cret', '{"auths": ["s3cret"]}']) {
      const error = await failure((await home({ '.docker/config.json': content })).find('x', 'y', signal));
      expect(error.code).toBe('INPUT_SYNTAX');
      expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toContain('s3cret');
    }
    const bad = await home({ '.docker/config.json': { auths: { x: { auth: 'bm9jb2xvbg==' } } } });
    expect((await failure(bad.find('x', 'y', signal))).code).toBe('INPUT_FIELD');
  });
});

// Adapters that are programs of other teams: what they are given, and what of theirs is believed.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { convertPath } from '../../bin/adapter-files.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('adapters');
const bom = '{"apiVersion":"longshore.dev/v1alpha1","kind":"ModuleBOM","metadata":{"name":"acme","version":"1"},"spec":{"images":[{"ref":"quay.io/acme/app:1"}]}}';

async function adapter(name: string, script: string, mode = 0o755): Promise<void> {
  await mkdir(join(folder, 'adapters'), { recursive: true });
  await writeFile(join(folder, 'adapters', name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'adapters', name), mode);
  vi.stubEnv('LONGSHORE_ADAPTERS', join(folder, 'adapters'));
}

const input = join(folder, 'input.txt');
await writeFile(input, 'anything\n');
afterEach(() => vi.unstubAllEnvs());

describe('an adapter of another team', () => {
  it('gets its request on stdin, and its documents are taken', async () => {
    await adapter('acme', `cat > ${folder}/request.json; echo 'line 3 is odd' >&2; echo '${bom}'`);
    const { boms, warnings, adapter: { name } } = await convertPath(input, { from: 'acme', select: ['a'], values: { arch: 'amd64' } });
    expect(boms.map((each) => each.value.metadata.name)).toEqual(['acme']);
    expect(boms[0]?.folder).toBe(folder);
    expect(warnings).toEqual(['line 3 is odd']);
    expect(name).toBe('acme');
    const { readFile } = await import('node:fs/promises');
    expect(JSON.parse(await readFile(join(folder, 'request.json'), 'utf8'))).toMatchObject({ kind: 'AdapterRequest', path: input, select: ['a'], values: { arch: 'amd64' } });
  });

  it('need not read its request', async () => {
    await adapter('deaf', `exec <&-; echo '${bom}'`);
    expect((await convertPath(input, { from: 'deaf' })).boms).toHaveLength(1);
  });

  it.each([
    ['fails', 'echo "no such list" >&2; exit 3', /acme.*expected exit status 0; got status 3; no such list/],
    ['writes nothing', 'exit 0', /output of adapter acme:1:1.*got an empty file/],
    ['writes no BOM', 'echo "apiVersion: longshore.dev/v1alpha1"; echo "kind: Project"; echo "metadata: {name: x}"', /expected ModuleBOM documents/],
    ['writes a wrong field', `echo '${bom.replace('"images"', '"imagez"')}'`, /output of adapter acme.*imagez/],
    ['is killed', 'kill -9 $$', /got status SIGKILL/],
  ])('that %s stops the command', async (_name, script, message) => {
    await adapter('acme', script);
    await expect(convertPath(input, { from: 'acme' })).rejects.toThrow(message);
  });

  it('is not run unless it is named, and not without the right to', async () => {
    await adapter('acme', `touch ${folder}/was-run; exit 0`, 0o644);
    await expect(convertPath(input, { from: 'acme' })).rejects.toThrow(/expected one of .*; got acme/);
    await chmod(join(folder, 'adapters/acme'), 0o755);
    await expect(convertPath(input, {})).rejects.toThrow();
    await expect((await import('node:fs/promises')).stat(join(folder, 'was-run'))).rejects.toThrow();
  });

  it('never takes the place of one of ours', async () => {
    await adapter('images-txt', 'exit 9');
    await writeFile(join(folder, 'images.txt'), 'quay.io/acme/app:1\n');
    expect((await convertPath(join(folder, 'images.txt'), { from: 'images-txt' })).boms).toHaveLength(1);
  });

  it('folder that is not there is an error', async () => {
    vi.stubEnv('LONGSHORE_ADAPTERS', join(folder, 'nowhere'));
    await expect(convertPath(input, { from: 'acme' })).rejects.toThrow(/LONGSHORE_ADAPTERS.*ENOENT/);
  });
});

import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aggregate, type Aggregated } from '../../bom/aggregate.ts';
import { digestOf } from '../../bom/digest.ts';
import { parseModuleBom, parseProject } from '../../bom/documents/document.ts';
import type { BundleError } from '../../bom/errors.ts';
import { silent } from '../../bom/events.ts';
import type { LockedFile } from '../../bom/lock.ts';
import type { Source } from '../../bom/ports.ts';
import type { ConfigRequirement } from '../../bom/requirement.ts';
import { createLock } from '../../downloader/lock.ts';
import { createConfigSource } from '../../downloader/sources/config.ts';
import { globPattern } from '../../downloader/sources/config-folder.ts';
import { must } from '../support/command.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const base = await temporaryFolder('config');
const spoolDir = join(base, 'spool');
await mkdir(spoolDir);
let count = 0;

/** A folder with these files. */
async function folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = join(base, `site-${count += 1}`);
  await mkdir(root);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

async function resolved(written: string, more: Partial<ConfigRequirement> = {}, signal = new AbortController().signal): Promise<{ file: LockedFile; tar: Buffer; warnings: readonly string[]; blobs: MemoryBlobs }> {
  const blobs = new MemoryBlobs();
  const wanted: ConfigRequirement = { kind: 'config', name: 'configs/m/c.tar', path: { folder: base, written }, exclude: [], redact: [], usedBy: ['m'], at: [{ file: 'm.yaml', line: 3, column: 5 }], ...more };
  try {
    const { artifacts: [file], warnings } = await createConfigSource({ blobs, notify: silent, homeFolder: base, spoolDir }).resolve([wanted], signal);
    if (file === undefined) throw new Error('nothing');
    return { file, warnings, blobs, tar: Buffer.from(blobs.blobs.get(file.digest) ?? []) };
  } catch (error) {
    // What was refused is nowhere.
    expect(blobs.blobs.size).toBe(0);
    throw error;
  } finally {
    expect(await readdir(spoolDir)).toEqual([]);
  }
}

const failure = (work: Promise<unknown>): Promise<BundleError> => work.then(() => { throw new Error('it was not refused'); }, (error: unknown) => error as BundleError);

async function list(tar: Buffer): Promise<string[]> {
  return (await must('tar', ['--utc', '--numeric-owner', '-tvf', '-'], { input: tar })).trim().split('\n');
}

describe('a folder', () => {
  it('becomes a tar that any tar reads, the same whatever its dates are', async () => {
    const files = { 'b/x.yml': 'a: 1\n', 'a.txt': 'text', '.hidden': '', [`long/${'n'.repeat(120)}/é.txt`]: 'x' };
    const [one, two] = [await folder(files), await folder(files)];
    await utimes(join(two, 'a.txt'), 1, 1);
    await symlink('b/x.yml', join(one, 'link'));
    await symlink('b/x.yml', join(two, 'link'));
    const [first, second] = [await resolved(one), await resolved(two)];
    expect(first.tar.equals(second.tar)).toBe(true);
    expect(first.file).toMatchObject({ name: 'configs/m/c.tar', urls: [], purpose: 'config', trust: 'first-use', usedBy: ['m'], mode: '0644', path: one });
    expect(await list(first.tar)).toEqual([
      expect.stringMatching(/^-rw-r--r-- 0\/0 +0 1980-01-01 00:00 \.hidden$/), expect.stringMatching(/ a\.txt$/), expect.stringMatching(/ b\/x\.yml$/),
      expect.stringMatching(/^lrwxrwxrwx 0\/0 +0 1980-01-01 00:00 link -> b\/x\.yml$/), expect.stringContaining(`long/${'n'.repeat(120)}/`),
    ]);
  });

  it('of the home, one file, and variables', async () => {
    await writeFile(join(base, 'one.yml'), 'a: 1\n');
    const { tar } = await resolved('~/one.yml');
    expect(await must('tar', ['-xOf', '-', 'one.yml'], { input: tar })).toBe('a: 1\n');
    expect((await resolved('one.yml')).tar.equals(tar)).toBe(true);
  });

  it('without what exclude says', async () => {
    const site = await folder({ 'a.log': 'x', 'b/c.log': 'x', '.git/config': 'x', 'keep.yml': 'a: 1', 'x/.env': 'A=1' });
    const { tar } = await resolved(site, { exclude: ['**/*.log', '.git', 'x/.*'] });
    expect((await list(tar)).map((line) => line.split(' ').at(-1))).toEqual(['keep.yml']);
    expect((await failure(resolved(site, { exclude: ['**'] }))).code).toBe('INPUT_FIELD');
  });

  it('loses what redact names, in every coding of text', async () => {
    const yaml = 'azure-config:\n  credentials:\n    key: hunter2\n';
    const site = await folder({
      'a.yml': yaml, 'b.json': '{"azure-config": {"credentials": "hunter2"}}', 'c.yml': Buffer.from(`\uFEFF${yaml}`, 'utf16le'), 'd.yml': Buffer.from(`# gr\u00fc\u00dfe\n${yaml}`, 'latin1'),
    });
    const { tar } = await resolved(site, { redact: ['azure-config.credentials'] });
    expect(tar.includes('hunter2') || tar.includes(Buffer.from('hunter2', 'utf16le'))).toBe(false);
    expect(tar.includes(Buffer.from('gr\u00fc\u00dfe', 'latin1'))).toBe(true);
    expect(await must('tar', ['-xOf', '-', 'b.json'], { input: tar })).toBe('{"azure-config": {"credentials": "REDACTED"}}');
  });
});

describe('refused', () => {
  it('is a secret: with every place, without its value, and with nothing stored', async () => {
    const site = await folder({ 'a.yml': 'a: 1\ndb_password: hunter2\n', 'z/id': `-----BEGIN ${'OPENSSH PRIVATE KEY'}-----\n`, 'b.bin': 'x\0y' });
    const error = await failure(resolved(site));
    expect(error).toMatchObject({ code: 'INPUT_SECRET', exitCode: 2, facts: { actual: 'a.yml:2 (secret-value: db_password), z/id:1 (private-key)', subject: expect.stringMatching(/^m\.yaml:3:5: config/) as string } });
    expect(error.next).toContain('redact: ["**.db_password"]');
    expect(JSON.stringify(error.facts) + error.message).not.toContain('hunter2');
    await resolved(site, { redact: ['db_password'], exclude: ['z'] });
  });

  it('is a key of redact that nothing has', async () => {
    const error = await failure(resolved(await folder({ 'a.yml': 'a: 1\n' }), { redact: ['a', 'azure.credentials'] }));
    expect(error).toMatchObject({ code: 'INPUT_FIELD', facts: { actual: 'nothing has azure.credentials' } });
  });

  it('is text that cannot be redacted', async () => {
    expect(await failure(resolved(await folder({ 'a.yml': 'a: [\nkey: x\n' }), { redact: ['key'] }))).toMatchObject({ code: 'INPUT_SYNTAX', facts: { subject: expect.stringContaining('a.yml:') as string } });
  });

  it.each([['/etc/passwd'], ['../one.yml'], ['inner/../../one.yml'], ['self']])('is a link to %s', async (target) => {
    const site = await folder({ 'inner/a.txt': 'x' });
    await symlink(target, join(site, 'self'));
    expect((await failure(resolved(site))).code).toBe('INPUT_FIELD');
  });

  it('is a link through a link that leads out, a pipe, a backslash', async () => {
    const site = await folder({ 'a/b/c.txt': 'x' });
    await symlink('a/b', join(site, 'down'));
    await symlink('down/../../..', join(site, 'up'));
    expect((await failure(resolved(site))).code).toBe('INPUT_FIELD');
    const pipe = await folder({ x: 'x' });
    await must('mkfifo', [join(pipe, 'p')]);
    expect(await failure(resolved(pipe))).toMatchObject({ code: 'INPUT_FIELD', facts: { actual: 'a device, a socket or a pipe' } });
    expect((await resolved(pipe, { exclude: ['p'] })).file.size).toBeGreaterThan(0);
    expect((await failure(resolved(await folder({ 'a\\b': 'x' })))).code).toBe('INPUT_FIELD');
    expect((await failure(resolved('/dev/null'))).code).toBe('INPUT_FIELD');
  });

  it('is what is not there, and nothing goes on after a stop', async () => {
    expect((await failure(resolved('nowhere'))).code).toBe('INPUT_MISSING_FILE');
    expect((await failure(resolved(await folder({ a: 'x' }), {}, AbortSignal.abort()))).code).toBe('INTERRUPTED');
  });
});

describe('a lock', () => {
  const none = { fetch: (): never => { throw new Error('not used'); } };
  const project = parseProject('apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: p}\nspec: {export: {includeConfigs: true}, policy: {firstUse: fail}}\n', 'p.yaml', { folder: base });
  const aggregatedOf = (path: string): Aggregated => aggregate({ project, boms: [parseModuleBom(`apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: m}\nspec: {configs: [{id: c, path: "${path}"}], files: [{urls: ["https://example.org/f"]}]}\n`, 'm.yaml', { folder: base })] });

  it('has configurations as files, and asks nobody else before they are good', async () => {
    const blobs = new MemoryBlobs();
    const file: Source<'file'> = { ...none, resolve: async (wanted) => ({ artifacts: wanted.map(({ name, urls }) => ({ name, urls: [...urls], digest: digestOf(name), size: 1, mode: '0644', purpose: 'other', mediaType: 'x/y', trust: 'declared', usedBy: ['m'] })) }) };
    const unasked: Source<'file'> = { ...none, resolve: async () => { throw new Error('asked'); } };
    const options = { blobs, signal: new AbortController().signal, configs: createConfigSource({ blobs, notify: silent, homeFolder: base, spoolDir }) };
    const lock = await createLock({ ...options, sources: { file }, aggregated: aggregatedOf(await folder({ 'a.yml': 'a: 1\n', 'b.bin': 'x\0y' })) });
    expect(lock.spec.files.map(({ name, purpose }) => [name, purpose])).toEqual([['configs/m/c.tar', 'config'], ['f', 'other']]);
    expect(lock.spec.warnings).toEqual([expect.stringContaining('b.bin')]);
    expect(blobs.blobs.has(lock.spec.files[0]?.digest ?? digestOf(''))).toBe(true);
    expect((await failure(createLock({ ...options, sources: { file: unasked }, aggregated: aggregatedOf(await folder({ 'a.yml': 'password: hunter2\n' })) }))).code).toBe('INPUT_SECRET');
    const { configs: _, ...without } = options;
    expect((await failure(createLock({ ...without, sources: { file }, aggregated: aggregatedOf('x') }))).code).toBe('RESOLVE_UNSUPPORTED');
  });
});

it('says which files it could not read as text', async () => {
  expect((await resolved(await folder({ 'a.png': 'x\0y', 'b.yml': 'a: 1' }))).warnings).toEqual([expect.stringContaining('a.png')]);
});

it.each([
  ['*.log', 'a/b.log', true], ['*.log', 'a/b.logs', false], ['a/*.log', 'a/b.log', true], ['a/*.log', 'x/a/b.log', false], ['**/x', 'x', true], ['**/x', 'a/b/x/y', true], ['a/**', 'a/b/c', true], ['a/**', 'a', false],
  ['/a', 'a', true], ['.env', 'x/.env', true], ['?.[ab]', 'x.a', true], ['[!a]', 'a', false], ['a.b', 'axb', false], ['tmp/', 'tmp/x', true],
])('the pattern %s and %s: %s', (glob, path, expected) => {
  expect(globPattern(glob).test(path)).toBe(expected);
});

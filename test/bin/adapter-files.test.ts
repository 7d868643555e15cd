// Reading descriptors from a machine: encodings, folders of several formats, and what nothing was found in.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertPath } from '../../bin/adapter-files.ts';
import { adapters } from '../../bom/adapters/registry.ts';
import { projectRoot } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('descriptors');

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const convert = async (name: string, from?: string): Promise<{ readonly refs: readonly string[]; readonly warnings: readonly string[]; readonly format: string }> => {
  const { boms, warnings, adapter } = await convertPath(join(folder, name), from === undefined ? {} : { from });
  return { refs: boms.flatMap((bom) => (bom.value.spec?.images ?? []).map(({ ref }) => ref)), warnings, format: adapter.name };
};

describe('descriptors on disk', () => {
  it('are read in UTF-8 and UTF-16, with and without marks and carriage returns', async () => {
    const text = 'apiVersion: v1\r\nkind: Pod\r\nspec:\r\n  containers:\r\n  - image: acme/web:1.10\r\n';
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le');
    await put({ 'plain.yaml': text, 'marked.yaml': `\uFEFF${text}`, 'little.yaml': little, 'big.yaml': Buffer.from(little).swap16() });
    for (const name of ['plain', 'marked', 'little', 'big']) expect(await convert(`${name}.yaml`), name).toEqual({ refs: ['acme/web:1.10'], warnings: [], format: 'k8s' });
  });

  it('with stray bytes are read with a warning; binary data is refused, and passed over in a folder', async () => {
    const bytes = Buffer.concat([Buffer.from('acme/web:1 # caf'), Buffer.from([0xe9]), Buffer.from('\n')]);
    await put({ 'latin.images.txt': bytes, 'mixed/images.txt': 'acme/web:2\n', 'mixed/more-images.txt': Buffer.from([1, 0, 2]) });
    expect(await convert('latin.images.txt')).toMatchObject({ refs: ['acme/web:1'], warnings: [expect.stringContaining('not all of it is UTF-8')] });
    expect(await convert('mixed')).toMatchObject({ refs: ['acme/web:2'], warnings: ['more-images.txt: binary data, passed over'] });
    await expect(convert('mixed/more-images.txt')).rejects.toMatchObject({ code: 'INPUT_SYNTAX', facts: { actual: 'binary data' } });
  });

  it('of several formats in one folder: one is read, the others are named', async () => {
    await put({ 'several/deploy/pod.yaml': 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/pod:1"}]}\n', 'several/compose.yaml': 'services:\n  web: {image: "acme/web:1"}\n', 'several/images.txt': 'acme/listed:1\n', 'several/README.md': '# x\n' });
    const { refs, warnings, format } = await convert('several');
    expect([format, refs]).toEqual(['k8s', ['acme/pod:1']]);
    expect(warnings.map((text) => text.replace(/: convert.*/s, ''))).toEqual(['read as k8s; compose.yaml could be compose', 'read as k8s; images.txt could be images-txt']);
    expect(await convert('several', 'compose')).toMatchObject({ refs: ['acme/web:1'], warnings: [] });
  });

  it('behind links are read when they are of the same folder, else named', async () => {
    await put({ 'linked/a/images.txt': 'acme/web:3\n', 'outside/images.txt': 'acme/never:1\n' });
    await symlink('a/images.txt', join(folder, 'linked/b-images.txt'));
    await symlink('../outside/images.txt', join(folder, 'linked/c-images.txt'));
    await symlink('nowhere', join(folder, 'linked/d-images.txt'));
    await symlink('.', join(folder, 'linked/around'));
    const { refs, warnings } = await convert('linked');
    expect(refs).toEqual(['acme/web:3', 'acme/web:3']);
    expect(warnings).toEqual(['c-images.txt', 'd-images.txt'].map((name) => `${name}: a link to something outside this folder, not followed`));
  });

  it('in which nothing is found say so', async () => {
    await put({ 'empty/zarf.yaml': 'kind: ZarfPackageConfig\nmetadata: {name: nothing}\ncomponents: []\n', 'none/package.json': '{"name": "a-web-site"}\n' });
    expect((await convert('empty')).warnings).toEqual([`nothing: zarf found nothing to carry in ${join(folder, 'empty')}`]);
    expect((await convert('none', 'universe')).warnings).toEqual([`universe found nothing to carry in ${join(folder, 'none')}`]);
    await expect(convert('none')).rejects.toMatchObject({ code: 'INPUT_FLAG', facts: { next: expect.stringContaining('--from') as string } });
  });
});

describe('docs/adapters.md', () => {
  it('has a row for every adapter', () => {
    const page = readFileSync(join(projectRoot, 'docs/adapters.md'), 'utf8');
    expect([...page.matchAll(/^\| `([a-z0-9-]+)` \| (?=\S)/gm)].map(([, name]) => name).filter((name) => adapters.some((adapter) => adapter.name === name)).sort()).toEqual(adapters.map(({ name }) => name).sort());
  });
});

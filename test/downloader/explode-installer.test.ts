// A DC/OS installer made here, whole and damaged at every kind of place: what is written is all of it or nothing.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { explodeInstaller } from '../../downloader/explode-installer.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('explode');
const signal = new AbortController().signal;

async function tarOf(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const root = join(folder, `${name}.d`);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  create({ file: join(folder, name), cwd: root, sync: true, portable: true }, Object.keys(files));
  return readFile(join(folder, name));
}

const layer = await tarOf('layer.tar', { 'artifacts/bootstrap/abc.bootstrap.tar.xz': 'bootstrap', 'artifacts/packages/mesos/mesos--1.tar.xz': 'x'.repeat(100_000), 'artifacts/complete/complete.latest.json': '{}', 'genconf/config.yaml': 'secret' });
const saved = await tarOf('dcos-genconf.abc.tar', { 'manifest.json': '[{"Config":"config.json","RepoTags":["mesosphere/dcos-genconf:abc"],"Layers":["layer.tar"]}]', 'config.json': '{}', 'layer.tar': layer });
const payload = await tarOf('payload.tar', { 'dcos-genconf.abc.tar': saved });
const installer = Buffer.concat([Buffer.from('#!/bin/bash\nexit 0\n#EOF#\n'), payload]);

async function explode(name: string, bytes: Buffer): Promise<Awaited<ReturnType<typeof explodeInstaller>>> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, `${name}.sh`), bytes);
  return explodeInstaller(join(folder, `${name}.sh`), { folder: join(folder, name, 'dcos'), signal });
}

const names = ['bootstrap/abc.bootstrap.tar.xz', 'complete/complete.latest.json', 'packages/mesos/mesos--1.tar.xz'];

describe('an installer', () => {
  it('gives its payload, and gives it again', async () => {
    for (const _ of [1, 2]) {
      const { files, image } = await explode('whole', installer);
      expect(files.map(({ path }) => path)).toEqual(names);
      expect(image).toEqual({ path: 'dcos-genconf.abc.tar', tags: ['mesosphere/dcos-genconf:abc'] });
      expect(await readdir(join(folder, 'whole'))).toEqual(['dcos']);
      expect((await readdir(join(folder, 'whole/dcos'), { recursive: true })).sort()).toEqual(['bootstrap', 'complete', 'dcos-genconf.abc.tar', 'packages', 'packages/mesos', ...names].sort());
      expect(await readFile(join(folder, 'whole/dcos/bootstrap/abc.bootstrap.tar.xz'), 'utf8')).toBe('bootstrap');
    }
  });

  const cutMember = (at: number): Buffer => Buffer.concat([installer.subarray(0, 25), payload.subarray(0, at)]);
  it.each([
    ['cut in its first member', cutMember(600)], ['cut in a package', cutMember(60_000)], ['cut in its last file', cutMember(saved.length - 9_000)],
    ['with a broken header inside', Buffer.concat([installer.subarray(0, 25 + 512 + 1024 + 100), Buffer.alloc(300, 7), installer.subarray(25 + 512 + 1024 + 400)])], ['without an image', Buffer.from('#!/bin/sh\n#EOF#\n')],
  ])('that is damaged leaves nothing: %s', async (name, bytes) => {
    const error: unknown = await explode(name, bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BundleError);
    expect(error).toMatchObject({ family: 'integrity', facts: { next: 'Download the installer again, whole.' } });
    expect(await readdir(join(folder, name))).toEqual([]);
  });

  it('that is damaged leaves what an earlier one gave', async () => {
    await explode('kept', installer);
    await expect(explode('kept', cutMember(60_000))).rejects.toMatchObject({ family: 'integrity' });
    expect(await readFile(join(folder, 'kept/dcos/packages/mesos/mesos--1.tar.xz'), 'utf8')).toBe('x'.repeat(100_000));
    expect(await readdir(join(folder, 'kept'))).toEqual(['dcos']);
  });

  it('may be interrupted', async () => {
    const stop = new AbortController();
    stop.abort();
    await writeFile(join(folder, 'stopped.sh'), installer);
    await expect(explodeInstaller(join(folder, 'stopped.sh'), { folder: join(folder, 'stopped/dcos'), signal: stop.signal })).rejects.toThrow();
    await expect(readdir(join(folder, 'stopped/dcos'))).rejects.toThrow('ENOENT');
  });
});

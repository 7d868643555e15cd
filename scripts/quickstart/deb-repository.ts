// A small apt repository made on the spot, for machines that have none of their own: real .deb files, a signed InRelease.
// Debian policy, deb(5) "FORMAT"; https://wiki.debian.org/DebianRepository/Format.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { create } from 'tar';

export interface SmallPackage {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  readonly description: string;
}

export interface SmallRepository {
  readonly folder: string;
  readonly suite: string;
}

const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** An ar archive (deb(5)): every member with a fixed header, padded to even length. */
function ar(members: readonly (readonly [name: string, content: Uint8Array])[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from('!<arch>\n')];
  for (const [name, content] of members) {
    parts.push(Buffer.from(`${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`));
    parts.push(content);
    if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

async function tarball(folder: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  await rm(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await create({ gzip: true, portable: true, mtime: new Date(0), cwd: folder, file: `${folder}.tar.gz` }, ['.']);
  return readFile(`${folder}.tar.gz`);
}

/** Writes the repository below `folder`; `sign` turns the text of Release into InRelease. */
export async function makeRepository(folder: string, packages: readonly SmallPackage[], sign: (text: string) => Promise<string>): Promise<SmallRepository> {
  const suite = 'stable';
  const work = join(folder, 'work');
  const stanzas: string[] = [];
  for (const item of packages) {
    const control = [
      `Package: ${item.name}`, `Version: ${item.version}`, 'Architecture: all', 'Maintainer: Quickstart <quickstart@example.org>',
      ...(item.depends === undefined ? [] : [`Depends: ${item.depends}`]), `Description: ${item.description}`,
    ].join('\n');
    const deb = ar([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.gz', await tarball(join(work, 'control'), { control: `${control}\n` })],
      ['data.tar.gz', await tarball(join(work, 'data'), { [`usr/share/${item.name}/README`]: `${item.description}\n` })],
    ]);
    const path = `pool/main/${item.name[0]}/${item.name}/${item.name}_${item.version}_all.deb`;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), deb);
    stanzas.push(`${control}\nFilename: ${path}\nSize: ${deb.length}\nSHA256: ${hash(deb)}\n`);
  }
  const index = Buffer.from(stanzas.join('\n'));
  const indexPath = 'main/binary-amd64/Packages';
  await mkdir(join(folder, 'dists', suite, dirname(indexPath)), { recursive: true });
  await writeFile(join(folder, 'dists', suite, indexPath), index);
  const release = [
    'Origin: Quickstart', `Suite: ${suite}`, `Codename: ${suite}`, `Date: ${new Date().toUTCString()}`, 'Architectures: amd64', 'Components: main',
    'SHA256:', ` ${hash(index)} ${index.length} ${indexPath}`, '',
  ].join('\n');
  await writeFile(join(folder, 'dists', suite, 'InRelease'), await sign(release));
  await rm(work, { recursive: true, force: true });
  return { folder, suite };
}

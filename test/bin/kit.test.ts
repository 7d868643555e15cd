import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeKit } from '../../bin/kit.ts';
import { silent } from '../../bom/events.ts';
import { temporaryFolder } from '../support/temporary.ts';

it('takes the keys along that sources and lines name', async () => {
  const folder = await temporaryFolder('kit');
  await mkdir(join(folder, 'keys'));
  for (const name of ['a.asc', 'b.gpg']) await writeFile(join(folder, 'keys', name), name);
  const file = join(folder, 'bom.yaml');
  await writeFile(file, `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: k, version: "1"}
spec:
  packageRepositories:
    - id: r
      manager: deb
      sources: |
        Types: deb
        URIs: https://example.org/x
        Suites: ./
        Signed-By: keys/a.asc ${folder}/keys/b.gpg ABCD
    - {id: l, manager: deb, line: "deb [signed-by=${folder}/keys/b.gpg] https://example.org/y ./"}
`);
  const nothing = (): void => undefined;
  const signal = new AbortController().signal;
  const context = { signal, notify: silent, json: false, quiet: true, now: () => new Date(0), record: nothing, print: nothing, printNow: nothing, note: nothing, settle: nothing };
  const access = { notify: silent, signal, insecureRegistry: [], caFiles: [] };
  const out = join(folder, 'out');
  await writeKit(context, { folder: out, file: [file], access, lock: join(folder, 'none.json'), platforms: [] });
  const written = await readFile(join(out, 'boms/k.yaml'), 'utf8');
  expect(written).toContain('        Signed-By: ../files/02-a.asc ../files/01-b.gpg ABCD\n');
  expect(written).toContain('../files/01-b.gpg');
  expect(written).not.toContain(folder);
  expect((await readdir(join(out, 'files'))).sort()).toEqual(['01-b.gpg', '02-a.asc']);
});

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Bytes } from '../../../bom/ports.ts';
import { craneTag, craneTarball } from '../../../formats/oci/crane-tarball.ts';
import { config, craneSums, layers } from '../../support/crane-image.ts';

it.each(craneSums)('makes of %s what crane wrote', async (reference, sum) => {
  const hash = createHash('sha1');
  const open = async function* open({ digest }: { readonly digest: string }): Bytes { yield [config, ...layers].find((each) => each.digest === digest)?.bytes ?? Buffer.alloc(0); };
  for await (const chunk of craneTarball({ config, layers }, reference, open)) hash.update(chunk);
  expect(hash.digest('hex')).toBe(sum);
});

it.each([
  ['redis', 'redis:latest'], ['redis:7', 'redis:7'], ['localhost:5000/x', 'localhost:5000/x:latest'], ['localhost:5000/x:latest', 'localhost:5000/x:latest'], ['docker.io/library/redis:7', 'docker.io/library/redis:7'],
  [`redis@sha256:${'1'.repeat(64)}`, 'index.docker.io/library/redis:i-was-a-digest'],
])('%s is tagged %s', (written, tag) => {
  expect(craneTag(written)).toBe(tag);
});

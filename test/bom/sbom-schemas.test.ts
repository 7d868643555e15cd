// Both SBOMs by the official schemas; SPDX also by support/spdx-document.ts, which says more of what the specification asks for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lock } from '../../bom/lock.ts';
import { spdxIds } from '../../bom/sbom/components.ts';
import { cyclonedxOf } from '../../bom/sbom/cyclonedx.ts';
import { spdxOf } from '../../bom/sbom/spdx.ts';
import { runs } from '../support/runs.ts';
import { lockOfEveryKind } from './support/locks.ts';
import { spdxDocument } from './support/spdx-document.ts';

const official = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

const officialSpdx = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/spdx/spdx-2.3.schema.json'), 'utf8')) as object);

function spdxErrors(document: unknown): unknown {
  return officialSpdx(document) ? null : officialSpdx.errors;
}

function cyclonedxErrors(document: unknown): Promise<unknown> {
  return official.validate(JSON.stringify(document));
}

async function expectValid(lock: Lock): Promise<void> {
  expect(await cyclonedxErrors(cyclonedxOf(lock, '0.1.0'))).toBeNull();
  const spdx: unknown = JSON.parse(JSON.stringify(spdxOf(lock, '0.1.0')));
  expect(spdxErrors(spdx)).toBeNull();
  expect(spdxDocument.safeParse(spdx).error).toBeUndefined();
}

const plain = lockOfEveryKind();
const [file] = plain.spec.files;
const [git] = plain.spec.git;

describe('SBOMs are valid', () => {
  it.each([
    ['with every kind of artifact', {}],
    ['of an empty lock', { images: [], files: [], packages: [], charts: [], git: [], boms: [], repositories: [] }],
    ['without dates', { repositories: [] }],
    ['with files that have no address', { files: [{ ...file, urls: [] }] }],
    ['with the address of a Git server over SSH', { git: [{ ...git, url: 'ssh://git@git.example.org/a/b.git' }, { ...git, name: 'scp', url: 'git@git.example.org:a/b.git' }] }],
  ])('%s', async (_, change) => {
    await expectValid(lockOfEveryKind(change));
  });

  it('of a project with spaces in its name', async () => {
    await expectValid({ ...plain, metadata: { ...plain.metadata, name: 'my site #1' } });
  });

  it('for any texts of names, versions and licences', async () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    const texts = fc.record({ name: text, version: text, licence: text });
    await fc.assert(fc.asyncProperty(texts, async ({ name, version, licence }) => {
      await expectValid(lockOfEveryKind({
        files: [{ ...file, name, licence }],
        packages: plain.spec.packages.map((item) => ({ ...item, version, requiredBy: undefined })),
        charts: plain.spec.charts.map((item) => ({ ...item, version, licence })),
      }));
    }), { numRuns: runs(50) });
  });

  it('and every licence that is named by its id is one of the SPDX list', async () => {
    const licences = [...spdxIds].map((id) => ({ type: 'library', name: id, licenses: [{ license: { id } }] }));
    expect(await cyclonedxErrors({ bomFormat: 'CycloneDX', specVersion: '1.6', components: licences })).toBeNull();
  });
});

describe('what is not valid is seen', () => {
  it.each([
    ['a licence outside the list', { components: [{ type: 'library', name: 'a', licenses: [{ license: { id: 'No-Such-1.0' } }] }] }],
    ['a hash of another length', { components: [{ type: 'library', name: 'a', hashes: [{ alg: 'SHA-256', content: '00' }] }] }],
    ['another kind of component', { components: [{ type: 'thing', name: 'a' }] }],
    ['an unknown field', { lock: {} }],
  ])('in CycloneDX: %s', async (_, change) => {
    expect(await cyclonedxErrors({ ...cyclonedxOf(plain, '1'), ...change })).not.toBeNull();
  });

  it.each([
    ['no creators', { creationInfo: { created: '2024-01-02T03:04:05Z', creators: [] } }],
    ['a time with fractions', { creationInfo: { created: '2024-01-02T03:04:05.000Z', creators: ['Tool: a'] } }],
    ['an id with other letters', { relationships: [{ spdxElementId: 'SPDXRef-a b', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-b' }] }],
    ['an unknown field', { lock: {} }],
    ['packages that are no list', { packages: 3 }],
  ])('in SPDX: %s', (_, change) => {
    if ('packages' in change) expect(spdxErrors({ ...spdxOf(plain, '1'), ...change })).not.toBeNull();
    expect(spdxDocument.safeParse({ ...spdxOf(plain, '1'), ...change }).success).toBe(false);
  });
});

// CycloneDX 1.6, JSON (ECMA-424, "JSON format"): what a lock carries. No clock: the same lock gives the same document.
import { digestOf, hexOf } from '../digest.ts';
import { type Lock, lockBytes, lockTime } from '../lock.ts';
import { type Component, componentsOf, spdxIds } from './components.ts';

const types: Readonly<Record<Component['kind'], string>> = { image: 'container', file: 'file', package: 'library', chart: 'application', git: 'application' };

/** The document as a value; `version` is longshore's own. */
export function cyclonedxOf(lock: Lock, version: string): Readonly<Record<string, unknown>> {
  const components = componentsOf(lock);
  const hex = hexOf(digestOf(lockBytes(lock)));
  const root = `project ${lock.metadata.name}`;
  const moduleRef = (name: string): string => `module ${name}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber: `urn:uuid:${uuidOf(hex)}`, version: 1,
    metadata: {
      ...(lock.spec.repositories.some(({ date }) => date !== undefined) ? { timestamp: new Date(lockTime(lock) * 1000).toISOString() } : {}),
      tools: { components: [{ type: 'application', name: 'longshore', version }] },
      component: { 'type': 'platform', 'bom-ref': root, 'name': lock.metadata.name, 'version': String(lock.metadata.sequence) },
    },
    components: [
      ...lock.spec.boms.map((bom) => ({ 'type': 'platform', 'bom-ref': moduleRef(bom.name), 'name': bom.name, ...(bom.version === '' ? {} : { version: bom.version }), 'hashes': [{ alg: 'SHA-256', content: hexOf(bom.digest) }] })),
      ...components.map(componentOf),
    ],
    dependencies: [
      { ref: root, dependsOn: lock.spec.boms.map(({ name }) => moduleRef(name)) },
      ...lock.spec.boms.map(({ name }) => ({ ref: moduleRef(name), dependsOn: components.filter(({ usedBy, requiredBy }) => usedBy.includes(name) && requiredBy.length === 0).map(({ id }) => id) })),
      ...[...new Set(components.flatMap(({ requiredBy }) => requiredBy))].sort().map((ref) => ({ ref, dependsOn: components.filter(({ requiredBy }) => requiredBy.includes(ref)).map(({ id }) => id) })),
    ],
  };
}

function componentOf({ id, kind, name, version, purl, digest, licence, url, usedBy }: Component): Readonly<Record<string, unknown>> {
  return {
    'type': types[kind], 'bom-ref': id, name, ...(version === undefined ? {} : { version }), purl,
    'hashes': [{ alg: 'SHA-256', content: hexOf(digest) }],
    ...(licence === undefined ? {} : { licenses: [{ license: spdxIds.has(licence) ? { id: licence } : { name: licence } }] }),
    ...(url === undefined ? {} : { externalReferences: [{ type: kind === 'git' ? 'vcs' : 'distribution', url }] }),
    ...(usedBy.length === 0 ? {} : { properties: usedBy.map((value) => ({ name: 'longshore:usedBy', value })) }),
  };
}

/** A UUID out of a digest, with the bits of a name-based one (RFC 9562, version 5). */
function uuidOf(hex: string): string {
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

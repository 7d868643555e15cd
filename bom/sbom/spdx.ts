// SPDX 2.3, JSON (SPDX specification 2.3, clauses 6, 7, 10 and 11): what a lock carries. No clock: the same lock gives the same document.
import { digestOf, hexOf } from '../digest.ts';
import { type Lock, lockBytes, lockTime } from '../lock.ts';
import { type Component, componentsOf, spdxIds } from './components.ts';

const purposes: Readonly<Record<Component['kind'], string>> = { image: 'CONTAINER', file: 'FILE', package: 'LIBRARY', chart: 'APPLICATION', git: 'SOURCE' };

/** The document as a value; `version` is longshore's own. */
export function spdxOf(lock: Lock, version: string): Readonly<Record<string, unknown>> {
  const components = componentsOf(lock);
  const hex = hexOf(digestOf(lockBytes(lock)));
  const root = 'SPDXRef-Project';
  const moduleIds = new Map(lock.spec.boms.map(({ name }) => [name, idOf(`module ${name}`)]));
  const licences = new Map(components.flatMap(({ licence }) => (licence === undefined || spdxIds.has(licence) ? [] : [[licenceRef(licence), licence] as const])));
  const related = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string): Readonly<Record<string, string>> => ({ spdxElementId, relationshipType, relatedSpdxElement });
  return {
    spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: lock.metadata.name,
    documentNamespace: `https://longshore.dev/spdx/${encodeURIComponent(lock.metadata.name)}/${hex}`,
    creationInfo: { created: new Date(lockTime(lock) * 1000).toISOString().replace(/\.\d+Z$/, 'Z'), creators: [`Tool: longshore-${version}`] },
    packages: [
      plainPackage(root, lock.metadata.name, String(lock.metadata.sequence)),
      ...lock.spec.boms.map((bom) => plainPackage(moduleIds.get(bom.name) ?? '', bom.name, bom.version)),
      ...components.map(packageOf),
    ],
    relationships: [
      related('SPDXRef-DOCUMENT', 'DESCRIBES', root),
      ...[...moduleIds.values()].map((id) => related(root, 'CONTAINS', id)),
      ...components.flatMap(({ id, usedBy }) => usedBy.flatMap((name) => { const module = moduleIds.get(name); return module === undefined ? [] : [related(module, 'DEPENDS_ON', idOf(id))]; })),
      ...components.flatMap(({ id, requiredBy }) => requiredBy.map((parent) => related(idOf(parent), 'DEPENDS_ON', idOf(id)))),
    ],
    ...(licences.size === 0 ? {} : { hasExtractedLicensingInfos: [...licences.keys()].sort().map((licenseId) => ({ licenseId, extractedText: licences.get(licenseId), name: licences.get(licenseId) })) }),
  };
}

const noAssertion = 'NOASSERTION';

function plainPackage(SPDXID: string, name: string, versionInfo: string): Readonly<Record<string, unknown>> {
  return { SPDXID, name, ...(versionInfo === '' ? {} : { versionInfo }), downloadLocation: noAssertion, filesAnalyzed: false, licenseConcluded: noAssertion, licenseDeclared: noAssertion, copyrightText: noAssertion };
}

function packageOf({ id, kind, name, version, purl, digest, licence, url }: Component): Readonly<Record<string, unknown>> {
  return {
    ...plainPackage(idOf(id), name, version ?? ''),
    downloadLocation: url === undefined || !URL.canParse(url) ? noAssertion : kind === 'git' ? `git+${url}@${version ?? ''}` : url,
    licenseDeclared: licence === undefined ? noAssertion : spdxIds.has(licence) ? licence : licenceRef(licence),
    checksums: [{ algorithm: 'SHA256', checksumValue: hexOf(digest) }],
    primaryPackagePurpose: purposes[kind],
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}

/** Letters, digits, . and - only, unique by the digest of what it names. */
function idOf(text: string): string {
  return `SPDXRef-${text.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60)}-${digestOf(text).slice(7, 19)}`;
}

function licenceRef(licence: string): string {
  return `LicenseRef-${digestOf(licence).slice(7, 19)}`;
}

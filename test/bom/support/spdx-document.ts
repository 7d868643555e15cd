// The JSON form of SPDX 2.3 in our own words: clauses 6 to 11 of the specification and its JSON schema, of which every field that longshore
// writes is here with its type, its words and whether it has to be there. Stricter than the schema: a field that is not listed is an error.
import { z } from 'zod';

const time = z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/);
const elementId = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
const licenceId = z.string().regex(/^LicenseRef-[A-Za-z0-9.-]+$/);
const noAssertion = z.literal('NOASSERTION');

/** Clause 7.7: an address with a scheme, of a download or of a version control system, NONE or NOASSERTION. */
const downloadLocation = z.union([z.enum(['NONE', 'NOASSERTION']), z.string().regex(/^(?:(?:git|hg|svn|bzr)\+)?[a-z][a-z0-9]*:\/\/[^\s<>"]+$/)]);

const spdxPackage = z.strictObject({
  SPDXID: elementId,
  name: z.string().min(1),
  versionInfo: z.string().min(1).optional(),
  downloadLocation,
  filesAnalyzed: z.literal(false),
  licenseConcluded: noAssertion,
  licenseDeclared: z.string().min(1),
  copyrightText: noAssertion,
  checksums: z.array(z.strictObject({ algorithm: z.literal('SHA256'), checksumValue: z.string().regex(/^[0-9a-f]{64}$/) })).optional(),
  primaryPackagePurpose: z.enum(['APPLICATION', 'FRAMEWORK', 'LIBRARY', 'CONTAINER', 'OPERATING-SYSTEM', 'DEVICE', 'FIRMWARE', 'SOURCE', 'ARCHIVE', 'FILE', 'INSTALL', 'OTHER']).optional(),
  externalRefs: z.array(z.strictObject({
    referenceCategory: z.literal('PACKAGE-MANAGER'), referenceType: z.literal('purl'), referenceLocator: z.string().regex(/^pkg:[a-z]+\/\S+$/),
  })).optional(),
});

export const spdxDocument = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  name: z.string().min(1),
  documentNamespace: z.string().regex(/^https:\/\/[\w.~%/-]+$/),
  creationInfo: z.strictObject({ created: time, creators: z.array(z.string().regex(/^(?:Tool|Organization|Person): \S/)).min(1) }),
  packages: z.array(spdxPackage),
  relationships: z.array(z.strictObject({ spdxElementId: elementId, relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON']), relatedSpdxElement: elementId })),
  hasExtractedLicensingInfos: z.array(z.strictObject({ licenseId: licenceId, extractedText: z.string().min(1), name: z.string().min(1) })).optional(),
});

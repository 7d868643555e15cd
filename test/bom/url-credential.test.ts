import { describe, expect, it } from 'vitest';
import { checkDocument, moduleBomFrom } from '../../bom/documents/document.ts';
import { errorCodes } from '../../bom/errors.ts';
import { checkNoCredential, credentialIn, withoutCredentials } from '../../bom/url-credential.ts';
import { aggregated, bom, project, refusal } from './support/documents.ts';

const bad: readonly string[] = [
  'https://user:hidden@example.org/x', 'https://hidden@example.org/x', 'git+https://u:hidden@example.org/x.git', 'ssh://git:hidden@example.org/x', 'oci://u:hidden@example.org/x',
  ...[
    'X-Amz-Signature', 'x-amz-credential', 'X-Amz-Security-Token', 'X-Goog-Signature', 'X-Goog-Credential', 'Signature', 'sig', 'token', 'access_token', 'private_token',
    'auth', 'apikey', 'api_key', 'password', 'passwd', 'pwd', 'secret', 'client_secret', 'AWSAccessKeyId', 'TOKEN', '%74oken',
  ].map((name) => `https://example.org/x?a=1&${name}=hidden`),
  'https://example.org/x?sv=2024&se=2030&sp=r&sig=hidden', 'https://example.org/x?token=REDACTED&token=hidden',
];
const good = [
  'https://example.org/x', 'https://example.org/x?key=1&id=2&version=3', 'https://example.org/x?se=1&sp=2&sv=3', 'https://example.org/x?token=', 'https://example.org/x?sig=REDACTED',
  'https://example.org/token=1', 'ssh://git@example.org/x', 'git@example.org:x.git', 'no address?token=1',
];

describe('credentials in addresses', () => {
  it.each(bad)('finds %s', (url) => {
    expect(credentialIn(url)).toMatch(/^(?:user or password|the parameter [\w-]+)$/);
    const error = refusal(() => { checkNoCredential(url, 'here'); });
    expect([error.code, error.family]).toEqual(['INPUT_CREDENTIAL', errorCodes.INPUT_CREDENTIAL.family]);
    expect(JSON.stringify([error.message, error.facts])).not.toContain('hidden');
    expect(error.next).toMatch(/spec\.credentials.*headersFrom/);
  });

  it.each(bad)('takes it out of a quoted line: %s', (url) => {
    const text = withoutCredentials(`curl -o x "${url}" && wget https://example.org/y?b=1`);
    expect(text).not.toContain('hidden');
    expect(text).toMatch(/^curl -o x "\S+" && wget https:\/\/example\.org\/y\?b=1$/);
  });

  it.each(good)('finds nothing in %s', (url) => { expect(credentialIn(url)).toBeUndefined(); });
});

const head = 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: a}\nspec:\n';

describe('a document with such an address', () => {
  it.each([
    ['files: [{urls: ["URL"]}]', '5:19'],
    ['charts: [{source: {url: "URL"}}]', '5:27'],
    ['git: [{id: g, url: "URL", commit: "x"}]', '5:22'],
    ['packageRepositories: [{id: r, manager: deb, line: "deb URL stable main"}]', '5:53'],
    ['packageRepositories: [{id: r, manager: deb, sources: "Types: deb\\nURIs: URL\\nSuites: ./\\n"}]', '5:56'],
    ['x-own: {note: "see URL"}', '5:17'],
  ])('is refused where it stands: %s', (spec, place) => {
    for (const url of bad) {
      const problems = checkDocument(`${head}  ${spec.replace('URL', url)}\n`, 'a.yaml').filter(({ code }) => code === 'INPUT_CREDENTIAL');
      expect(problems.map(({ subject }) => subject)).toEqual([`a.yaml:${place}`]);
      expect(JSON.stringify(problems)).not.toContain('hidden');
    }
  });

  it('is refused the same way when read, built, changed by an overlay, or filled in by a variable', () => {
    const url = 'https://example.org/x?token=hidden';
    const plain = bom('a', 'files: [{urls: ["https://example.org/x"], saveAs: x}]');
    const runs: readonly (() => unknown)[] = [
      () => bom('a', `files: [{urls: ["${url}"]}]`),
      () => moduleBomFrom({ apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a' }, spec: { files: [{ urls: [url] }] } }, 'oci://example.org/a'),
      () => project(`overlays: [{match: {file: x}, set: {urls: ["${url}"]}}]`),
      () => aggregated([bom('a', 'variables: {q: {default: "oken=hidden"}}\nfiles: [{urls: ["https://example.org/x?t${q}"], saveAs: x}]')]),
      () => aggregated([plain], 'values: {}\noverlays: [{match: {module: a}, add: {files: [{urls: ["https://user:hidden@example.org/y"]}]}}]'),
    ];
    for (const run of runs) {
      const error = refusal(run);
      expect(error.code).toBe('INPUT_CREDENTIAL');
      expect(error.facts.subject).toMatch(/:\d+:\d+$/);
      expect(JSON.stringify([error.message, error.facts])).not.toContain('hidden');
    }
  });
});

// Credentials in addresses: user and password (RFC 3986, section 3.2.1), bearer tokens (RFC 6750, section 2.3), signed queries of S3, GCS and Azure.
import { type Problem, problemAt, type Tree, type TreePath } from './documents/yaml-tree.ts';
import { BundleError, redactUrl } from './errors.ts';
import { redactedMark } from './redacted-mark.ts';
import type { Position } from './requirement.ts';

/** Lower case. Names as common as `key` and `id` are not among them. */
const parameters: ReadonlySet<string> = new Set([
  'x-amz-signature', 'x-amz-credential', 'x-amz-security-token', 'x-goog-signature', 'x-goog-credential', 'awsaccesskeyid', 'signature', 'sig',
  'token', 'access_token', 'private_token', 'auth', 'apikey', 'api_key', 'password', 'passwd', 'pwd', 'secret', 'client_secret',
]);

const address = /(?:(?:git\+)?https?|git|ssh|oci):\/\/[^\s"'<>]+/gi;

/** What in `url` is a credential, in words without its value; undefined when nothing is. */
export function credentialIn(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, username, password, searchParams } = new URL(url);
  if (password !== '' || (username !== '' && /^(?:git\+)?https?:$/.test(protocol))) return 'user or password';
  const found = [...searchParams].find(([name, value]) => parameters.has(name.toLowerCase()) && value !== '' && value !== redactedMark);
  return found === undefined ? undefined : `the parameter ${found[0]}`;
}

/** Every text below `tree` in which an address carries a credential: it would end in locks and archives. Values are never in the problems. */
export function credentialProblems(tree: Tree, positionOf: (path: TreePath) => Position): Problem[] {
  const problems: Problem[] = [];
  const path: (string | number)[] = [];
  const walk = (item: Tree): void => {
    if (typeof item === 'string') {
      const url = item.includes('://') ? item.match(address)?.find((found) => credentialIn(found) !== undefined) : undefined;
      if (url !== undefined) problems.push(problemOf(url, positionOf([...path])));
      return;
    }
    const list = Array.isArray(item);
    for (const [key, child] of Object.entries(item)) {
      path.push(list ? Number(key) : key);
      walk(child as Tree);
      path.pop();
    }
  };
  walk(tree);
  return problems;
}

/** `text` with every address that carries a credential redacted: for quoting what stands in another format's file. */
export function withoutCredentials(text: string): string {
  return text.replace(address, (url) => (credentialIn(url) === undefined ? url : redactUrl(url)));
}

/** Throws `INPUT_CREDENTIAL` for a URL with a credential; `subject` is where it stands. */
export function checkNoCredential(url: string, subject: string): void {
  if (credentialIn(url) !== undefined) throw new BundleError('INPUT_CREDENTIAL', { subject, ...factsOf(url) });
}

function problemOf(url: string, at: Position): Problem {
  return problemAt('INPUT_CREDENTIAL', at, factsOf(url));
}

function factsOf(url: string): { readonly expected: string; readonly actual: string; readonly next: string } {
  return {
    expected: 'a URL without credentials', actual: `${credentialIn(url) ?? 'none'} in ${redactUrl(url)}`,
    next: 'Declare the credential in Project.spec.credentials and name it in headersFrom.',
  };
}

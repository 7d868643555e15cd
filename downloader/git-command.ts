// The system's git, run so that nothing asks, nothing else is started, and no secret is in an argument.
import { type ChildProcess, spawn } from 'node:child_process';
import { BundleError, checkNotAborted, redactUrl } from '../bom/errors.ts';
import type { Bytes } from '../bom/ports.ts';

export interface GitRun {
  /** A bare repository; none for questions to a remote one. */
  readonly repository?: string;
  /** For messages: what is asked for. */
  readonly subject: string;
  /** Headers that requests to the host of `url` carry (and no redirect follows then). */
  readonly headers?: { readonly url: string; readonly values: Readonly<Record<string, string>> };
  /** A file with every authority that may vouch for an https server, in place of git's own list. */
  readonly authorities?: string;
  readonly signal: AbortSignal;
}

const outputBytes = 64 << 20;

/** What may differ between machines and would change the bytes of a pack, or run something. */
const settings: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'], ['core.fsmonitor', 'false'], ['core.compression', '-1'], ['pack.compression', '-1'], ['pack.threads', '1'], ['pack.window', '10'],
  ['pack.depth', '50'], ['pack.windowMemory', '256m'], ['pack.deltaCacheSize', '256m'], ['pack.packSizeLimit', '0'], ['pack.writeBitmaps', 'false'], ['repack.writeBitmaps', 'false'],
  ['gc.auto', '0'], ['maintenance.auto', 'false'], ['fetch.recurseSubmodules', 'false'], ['submodule.recurse', 'false'], ['transfer.bundleURI', 'false'], ['fetch.bundleURI', ''],
  ['tar.umask', '0022'], ['advice.detachedHead', 'false'],
];

function environment({ headers, authorities }: GitRun): NodeJS.ProcessEnv {
  const host = headers === undefined ? '' : `${new URL(headers.url).origin}/`;
  const secret = Object.entries(headers?.values ?? {}).map(([name, value]) => [`http.${host}.extraHeader`, `${name}: ${value}`] as const);
  const config = [...settings.filter(([, value]) => value !== ''), ...secret, ...(secret.length === 0 ? [] : [['http.followRedirects', 'false'] as const])];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|CONFIG_COUNT|CONFIG_KEY_\d+|CONFIG_VALUE_\d+|CONFIG_PARAMETERS|TRACE.*|CURL_VERBOSE|EXTERNAL_DIFF|NAMESPACE|CEILING_DIRECTORIES|PROTOCOL_FROM_USER)$/.test(name)));
  return {
    ...inherited, LC_ALL: 'C', LANGUAGE: '', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '', GIT_ALLOW_PROTOCOL: 'file:http:https:ssh', GIT_PROTOCOL_FROM_USER: '0',
    GIT_OPTIONAL_LOCKS: '0', GIT_NO_REPLACE_OBJECTS: '1', GIT_ATTR_NOSYSTEM: '1',
    GIT_SSH_COMMAND: process.env['GIT_SSH_COMMAND'] ?? 'ssh -o BatchMode=yes',
    ...(authorities === undefined ? {} : { GIT_SSL_CAINFO: authorities }),
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(config.flatMap(([key, value], index) => [[`GIT_CONFIG_KEY_${index}`, key], [`GIT_CONFIG_VALUE_${index}`, value]])),
  };
}

function start(args: readonly string[], run: GitRun): ChildProcess {
  for (const value of Object.values(run.headers?.values ?? {})) {
    if (/[\r\n\0]/.test(value)) throw new BundleError('INPUT_CREDENTIAL', { subject: run.subject, expected: 'a credential of one line', actual: 'several lines' });
  }
  checkNotAborted(run.signal, run.subject);
  // A group of its own: what git starts (ssh, remote-https) ends with it.
  return spawn('git', [...(run.repository === undefined ? [] : [`--git-dir=${run.repository}`]), ...args], { env: environment(run), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** What git prints on stdout, as it comes. Throws `RESOLVE_UNSUPPORTED` without git, transfer and resolve errors of a remote one. */
export async function* gitStream(args: readonly string[], run: GitRun): Bytes {
  const child = start(args, run);
  const errors: Buffer[] = [];
  let kept = 0;
  child.stderr?.on('data', (chunk: Buffer) => { if (kept < 65_536) { errors.push(chunk); kept += chunk.length; } });
  const ended = new Promise<{ readonly status: number | null; readonly cause?: NodeJS.ErrnoException }>((done) => {
    child.once('error', (cause) => done({ status: null, cause }));
    child.once('close', (status) => done({ status }));
  });
  const stop = (): void => { if (child.pid !== undefined && child.exitCode === null) try { process.kill(-child.pid, 'SIGTERM'); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; } };
  run.signal.addEventListener('abort', stop);
  try {
    if (child.stdout !== null) for await (const chunk of child.stdout) yield chunk as Buffer;
    const { status, cause } = await ended;
    checkNotAborted(run.signal, run.subject);
    if (cause !== undefined) throw absent(run.subject, cause);
    if (status !== 0) throw failure(args, Buffer.concat(errors).toString('utf8'), run);
  } finally {
    run.signal.removeEventListener('abort', stop);
    stop();
    await ended;
  }
}

/** All that git prints on stdout. Throws as {@link gitStream}. */
export async function git(args: readonly string[], run: GitRun): Promise<string> {
  return (await gitBytes(args, run)).toString('utf8');
}

export async function gitBytes(args: readonly string[], run: GitRun, maxBytes = outputBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of gitStream(args, run)) {
    size += chunk.length;
    if (size > maxBytes) throw new BundleError('INTEGRITY_METADATA', { subject: run.subject, expected: `at most ${maxBytes} bytes`, actual: 'more' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function absent(subject: string, cause: NodeJS.ErrnoException): BundleError {
  return new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: 'git on this machine', actual: cause.code === 'ENOENT' ? 'no program of that name' : cause.message, next: 'Install git, or leave git repositories out.' }, { cause });
}

const kinds: readonly (readonly [RegExp, 'TRANSFER_AUTH' | 'RESOLVE_NOT_FOUND' | 'TRANSFER_TLS' | 'TRANSFER_CONNECT' | 'STORAGE_SPACE'])[] = [
  [/No space left|Disk quota/i, 'STORAGE_SPACE'],
  [/Host key verification failed/i, 'TRANSFER_AUTH'],
  [/Authentication failed|could not read Username|could not read Password|terminal prompts disabled|Permission denied|error: 40[13]/i, 'TRANSFER_AUTH'],
  [/unable to update url base from redirection|error: 30\d/i, 'TRANSFER_AUTH'],
  [/not found|does not (?:appear|exist)|couldn't find remote ref|no such remote ref|not our ref|unadvertised object|bad object|unknown revision|error: 404|No such file/i, 'RESOLVE_NOT_FOUND'],
  [/SSL|TLS|certificate/i, 'TRANSFER_TLS'],
];

/** What git says below the reason whenever a server did not answer as it wished. */
const boilerplate = /^(?:fatal: Could not read from remote repository\.|Please make sure you have the correct access rights|and the repository exists\.)$/;

/** git has no error codes; its English messages (LC_ALL=C) only choose between families here, nothing is decided on them. */
function failure(args: readonly string[], stderr: string, { subject, headers }: GitRun): BundleError {
  const secrets = Object.values(headers?.values ?? {});
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, 'REDACTED'), stderr).replace(/\b[a-z+]+:\/\/[^\s'"]+/g, (url) => redactUrl(url));
  const lines = clean.trim().split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => !boilerplate.test(line));
  const last = (telling.length === 0 ? lines : telling).slice(-3).join('; ').replace(/[\u0000-\u001f\u007f]/g, ' ').slice(0, 600);
  const code = kinds.find(([pattern]) => pattern.test(clean))?.[1] ?? 'TRANSFER_CONNECT';
  const next = /Host key verification failed/i.test(clean) ? 'Compare the key that the server shows with what its operator says, and add it to known_hosts (ssh-keyscan HOST), or name another file in GIT_SSH_COMMAND.'
    : code === 'TRANSFER_AUTH' ? 'Name a credential of the project in headersFrom, or set up git\'s own (a credential helper, an ssh key); with headersFrom no redirect is followed, so give the final address.' : undefined;
  return new BundleError(code, { subject, expected: `git ${args.find((arg) => !arg.startsWith('-')) ?? ''} to succeed`, actual: last === '' ? 'a failure without a message' : last, ...(next === undefined ? {} : { next }) });
}

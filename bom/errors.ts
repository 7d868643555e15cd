/**
 * Every failure that a person can cause or meet is a {@link BundleError} with a code of this map. A family fixes the exit code
 * (README, "Exit codes"). A defect in longshore is a plain `Error` and exits 1.
 */
export type Family = 'input' | 'resolve' | 'transfer' | 'integrity' | 'storage' | 'target' | 'interrupted';

export const exitCodeOf: Readonly<Record<Family, number>> = {
  input: 2, resolve: 3, transfer: 4, integrity: 5, storage: 6, target: 7, interrupted: 130,
};

interface CodeEntry { readonly family: Family; readonly hint: string }

export const errorCodes = {
  // input: fix a document or a flag
  INPUT_SYNTAX: { family: 'input', hint: 'Correct the document at the place named.' },
  INPUT_FIELD: { family: 'input', hint: 'Correct the field at the place named; `longshore bom check` lists every problem at once.' },
  INPUT_UNKNOWN_KEY: { family: 'input', hint: 'Remove or correct the key; own keys start with x- or stand under annotations.' },
  INPUT_DIGEST: { family: 'input', hint: 'Write digests as sha256:<64 lower-case hex digits>.' },
  INPUT_FLAG: { family: 'input', hint: 'See `longshore <command> --help`.' },
  INPUT_MISSING_FILE: { family: 'input', hint: 'Name a file that exists and can be read.' },
  INPUT_REFERENCE: { family: 'input', hint: 'Write images as [host[:port]/]path[:tag][@sha256:...].' },
  INPUT_URL: { family: 'input', hint: 'Use http://, https:// or a path relative to the document.' },
  INPUT_CREDENTIAL: { family: 'input', hint: 'Declare the credential in Project.spec.credentials and set its environment variable or file.' },
  INPUT_LOCK_STALE: { family: 'input', hint: 'Run `longshore lock` again.' },
  INPUT_ARCHIVE_FORMAT: { family: 'input', hint: 'Name an archive that `longshore export` wrote, whole, and with a version that this longshore reads.' },
  INPUT_SECRET: { family: 'input', hint: 'Take the value out: name its key under `redact`, or its file under `exclude`.' },
  INPUT_KEY: { family: 'input', hint: 'Give an OpenPGP key file (armored or binary).' },
  INPUT_UNSIGNED: { family: 'input', hint: 'Give the key with --key, or pass --allow-unsigned when the medium is trusted.' },
  // resolve: not found, unmet, conflict
  RESOLVE_NOT_FOUND: { family: 'resolve', hint: 'Check the name, or point the requirement to where it lives now with an overlay.' },
  RESOLVE_PLATFORM: { family: 'resolve', hint: 'Ask for a platform that the image has, or `platforms: [all]`.' },
  RESOLVE_CONFLICT: { family: 'resolve', hint: 'Make both sides agree, or settle it with an overlay in the project.' },
  RESOLVE_UNMET: { family: 'resolve', hint: 'Add a module that meets the requirement.' },
  RESOLVE_CYCLE: { family: 'resolve', hint: 'Break the cycle: one of these requirements has to be weak.' },
  RESOLVE_UNPINNED: { family: 'resolve', hint: 'Pin the artifact by digest, or allow it in Project.spec.policy.' },
  RESOLVE_POLICY: { family: 'resolve', hint: 'Change the entry, or Project.spec.policy.' },
  RESOLVE_UNSOLVABLE: { family: 'resolve', hint: 'Change the package set or its repositories; the chain above says which relation cannot be met.' },
  RESOLVE_UNSUPPORTED: { family: 'resolve', hint: 'Remove the requirement, or select it away; this version of longshore cannot carry it.' },
  RESOLVE_ELSEWHERE: { family: 'resolve', hint: 'Run `longshore client setup --exclusive` on those machines, and lock what they fetched.' },
  // transfer: the only family that is retried
  TRANSFER_STATUS: { family: 'transfer', hint: 'Check that the address still exists and that the server answers.' },
  TRANSFER_AUTH: { family: 'transfer', hint: 'Log in with `docker login` or `podman login`, or name credentials in the project.' },
  TRANSFER_CONNECT: { family: 'transfer', hint: 'Check the network, the proxy settings and the name; then run the command again, it resumes.' },
  TRANSFER_CUT: { family: 'transfer', hint: 'Run the command again: it resumes where it stopped.' },
  TRANSFER_STALL: { family: 'transfer', hint: 'Run the command again: it resumes where it stopped.' },
  TRANSFER_TLS: { family: 'transfer', hint: 'Give the CA of the server, or --insecure-registry HOST for plain http.' },
  TRANSFER_PROTOCOL: { family: 'transfer', hint: 'The server broke its protocol; try a mirror.' },
  // integrity: bytes that are not what was promised
  INTEGRITY_DIGEST: { family: 'integrity', hint: 'The content changed or was damaged; get it again from a source you trust, or correct the digest.' },
  INTEGRITY_SIZE: { family: 'integrity', hint: 'The content changed or was cut; get it again from a source you trust, or correct the size.' },
  INTEGRITY_SIGNATURE: { family: 'integrity', hint: 'Do not use this content until the key or the source is cleared up.' },
  INTEGRITY_EXPIRED: { family: 'integrity', hint: 'Use a current source, or record a waiver for an archived release.' },
  INTEGRITY_METADATA: { family: 'integrity', hint: 'The metadata is damaged or hostile; try another mirror.' },
  INTEGRITY_ARCHIVE: { family: 'integrity', hint: 'Copy the archive again from where it was exported; nothing was changed here.' },
  INTEGRITY_MISSING: { family: 'integrity', hint: 'Run `longshore download` to fetch what is missing.' },
  // storage
  STORAGE_SPACE: { family: 'storage', hint: 'Free space or name another place; what was finished is kept, run the command again.' },
  STORAGE_IO: { family: 'storage', hint: 'Check the disk, the path and its permissions; what was finished is kept.' },
  STORAGE_FOREIGN: { family: 'storage', hint: 'Name an empty folder or a longshore store.' },
  // target refused
  TARGET_REFUSED: { family: 'target', hint: 'The other side said no; see its answer above.' },
  TARGET_LISTEN: { family: 'target', hint: 'Choose another address or port with --listen, or stop the process that holds it.' },
  TARGET_BASE: { family: 'target', hint: 'Import the base first, or carry a full archive.' },
  TARGET_REPLAY: { family: 'target', hint: 'Import a newer archive, or pass --allow-downgrade when going back is meant.' },
  TARGET_UPGRADE: { family: 'target', hint: 'Import the versions to go through first, or pass --allow-upgrade-path when that is known to be good.' },
  INTERRUPTED: { family: 'interrupted', hint: 'Run the command again: it continues where it stopped.' },
} as const satisfies Readonly<Record<string, CodeEntry>>;

export type ErrorCode = keyof typeof errorCodes;

/** What every error says. Never put a credential in it: URLs pass {@link redactUrl} first. */
export interface ErrorFacts {
  /** Whose problem it is: a file with line and column, a reference, a URL, a path, a package. */
  readonly subject: string;
  readonly expected: string;
  readonly actual: string;
  /** The next action, when the code's own hint is not the best one. */
  readonly next?: string;
  /** Machine-readable additions for `--json`: plain JSON values, no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, facts: ErrorFacts, options?: { readonly cause?: unknown }) {
    super(`${facts.subject}: expected ${facts.expected}; got ${facts.actual}`, options);
    this.code = code;
    this.facts = facts;
  }

  get family(): Family { return errorCodes[this.code].family; }
  get exitCode(): number { return exitCodeOf[this.family]; }
  get next(): string { return this.facts.next ?? errorCodes[this.code].hint; }
}

/**
 * `url` without user, password, query values and fragment: what may be printed, logged or locked. A part of the query without a name is a value (SUSE's
 * tokens stand so). Text that is no URL comes back unchanged.
 */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  const parts = parsed.search.slice(1).split('&').filter((part) => part !== '').map((part) => (/^[^=]+=(?!=*$)/.exec(part)?.[0] ?? '') + 'REDACTED');
  parsed.search = [...new Set(parts)].join('&');
  return parsed.href;
}

/** Passes when `signal` is not aborted, else throws `INTERRUPTED`. */
export function checkNotAborted(signal: AbortSignal, subject: string): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof BundleError) throw signal.reason;
  throw new BundleError('INTERRUPTED', { subject, expected: 'to run to its end', actual: 'a stop was asked for' }, { cause: signal.reason });
}

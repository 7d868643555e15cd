import type { AccessRecord } from './access-record.ts';
import type { PushedBlobs, Served, ServedBlobs } from './content.ts';
import type { Limits, TlsFiles } from './listen.ts';
import type { ListenAddress } from './listen-address.ts';
import type { Signer } from './mirror/signer.ts';

export interface PushOptions {
  readonly blobs: PushedBlobs;
  readonly state: string;
  /** Keeps blobs from being taken away while `work` makes them belong to a repository. */
  readonly hold?: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface ServeOptions {
  /** What is served now. Asked at every request: it must be cheap, and give the same lock objects while nothing changed. */
  readonly contents: () => readonly Served[];
  /** Calls the listener whenever `contents` gives something else: it is made ready at once, not when the first request finds it. */
  readonly watch?: (listener: () => void) => void;
  readonly blobs: ServedBlobs;
  /** Where pushes go; absent: read-only, as when an archive is served where it lies. */
  readonly push?: PushOptions;
  /** Default: 127.0.0.1:5000. */
  readonly listen?: readonly ListenAddress[];
  readonly tls?: TlsFiles;
  readonly insecureHttp?: boolean;
  /** An htpasswd file with bcrypt hashes; without it nobody can write. */
  readonly htpasswd?: string;
  /** true: reading needs a password too. */
  readonly readAuth?: boolean;
  readonly limits?: Partial<Limits>;
  /** Of longshore, as SBOMs name their maker. */
  readonly version?: string;
  readonly signer?: Signer;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly log?: (record: AccessRecord) => void;
}

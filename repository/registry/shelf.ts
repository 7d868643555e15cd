// One repository as a client names it: what the served locks put there, and what was pushed there.
import { type Descriptor, isDigest } from '../../bom/digest.ts';
import { hostComponent } from '../../bom/reference.ts';
import { type Exchange, isHost } from '../exchange.ts';
import { type Address, isAddress } from './grammar.ts';
import type { Library, Repository } from './library.ts';
import type { Pushed, PushedRepository } from './pushed.ts';

export interface Shelf {
  /** As the client wrote it, or as `?ns=` completes it. */
  readonly name: string;
  /** From the served locks: the repository of that name, else the only one whose bare path it is. */
  readonly served: Repository | undefined;
  readonly pushed: PushedRepository | undefined;
  /** The same repository as earlier generations had it: its digests stay readable, its tags do not. */
  readonly older: readonly Repository[];
  /** Full names, when the bare path stands for several and therefore for none. */
  readonly ambiguous: readonly string[];
}

/**
 * `?ns=HOST` (sent by containerd to a mirror) completes the name with the upstream host, and nothing else is tried: a bare name must not answer
 * for another upstream. It is ignored when it names this server itself.
 */
export function shelfOf(name: string, exchange: Exchange, library: Library, pushed: Pushed | undefined, before: readonly Library[]): Shelf {
  const ns = exchange.query.get('ns');
  const own = exchange.request.headers.host;
  if (ns !== null && isHost(ns) && ns !== own) {
    const full = `${hostComponent(ns)}/${name}`;
    return { name: full, served: library.get(full), pushed: pushed?.get(full), older: before.flatMap((earlier) => earlier.get(full) ?? []), ambiguous: [] };
  }
  const older = before.flatMap((earlier) => named(earlier, name) ?? []);
  const full = library.get(name) === undefined ? library.fullNames(name) : [];
  const served = named(library, name);
  // What was pushed under the full name belongs to its alias too.
  return { name, served, pushed: pushed?.get(name) ?? (served === undefined ? undefined : pushed?.get(served.name)), older, ambiguous: full.length > 1 ? full : [] };
}

function named(library: Library, name: string): Repository | undefined {
  const [only, ...others] = library.fullNames(name);
  return library.get(name) ?? (only !== undefined && others.length === 0 ? library.get(only) : undefined);
}

/** Whether nothing ever made this repository. One whose content was deleted stays, empty. */
export function isUnknown(shelf: Shelf): boolean {
  return shelf.served === undefined && shelf.older.length === 0 && shelf.pushed === undefined;
}

/** Content, and what it was asked for by: a tag's digest, or the digest itself. */
export interface Found {
  readonly address: Address;
  readonly blob: Descriptor;
}

/** The manifest that a tag or digest stands for. A tag of a served lock comes before a pushed one of the same name. */
export function findManifest(shelf: Shelf, reference: string): Found | undefined {
  const digest = isAddress(reference) ? reference : shelf.served?.tags.get(reference) ?? shelf.pushed?.tags.get(reference);
  if (digest === undefined) return undefined;
  const address = digest as Address;
  const blob = (isDigest(digest) ? shelf.served?.manifests.get(digest) : undefined) ?? shelf.pushed?.manifests.get(address) ?? earlier(shelf, address);
  return blob === undefined ? undefined : { address, blob };
}

/** A blob of the repository. Manifests count as blobs too: they are stored as such, and some clients fetch them so. */
export function findBlob(shelf: Shelf, address: Address): Descriptor | undefined {
  const { served, pushed } = shelf;
  const carried = isDigest(address) ? served?.blobs.get(address) ?? served?.manifests.get(address) : undefined;
  return carried ?? pushed?.blobs.get(address) ?? pushed?.manifests.get(address) ?? earlier(shelf, address);
}

function earlier(shelf: Shelf, address: Address): Descriptor | undefined {
  if (!isDigest(address)) return undefined;
  for (const { manifests, blobs } of shelf.older) {
    const blob = manifests.get(address) ?? blobs.get(address);
    if (blob !== undefined) return blob;
  }
  return undefined;
}

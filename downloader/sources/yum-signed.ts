// Whose signature each package carries: dnf.conf(5), "gpgcheck". Found out while locking, from the headers alone; the whole package is checked when it is fetched.
import PQueue from 'p-queue';
import { BundleError } from '../../bom/errors.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { RpmKeyring } from '../../formats/rpm/keyring.ts';
import { RpmVerifier } from '../../formats/rpm/signature.ts';
import { settled } from '../failures.ts';
import { streamFrom } from './apt-fetch.ts';
import type { YumContext } from './yum-access.ts';
import { type Draft, rpmBlob } from './yum-locked.ts';
import type { LoadedRepository } from './yum-offer.ts';
import { checkedPackage, fetchHead } from './yum-package.ts';

export interface SigningQuestion {
  readonly draft: Draft;
  readonly digest: LockedPackage['digest'];
  /** The document lets it be unsigned. */
  readonly waived: boolean;
}

export interface SigningAnswer {
  readonly signedBy?: string;
  /** Why a waiver was needed. */
  readonly waived?: string;
}

/** So many headers are asked for at once, unless fewer transfers are wanted. */
const maxHeads = 16;

/** Signatures of packages, each repository with its own keys. */
export class SignatureBook {
  private readonly keyrings = new Map<LoadedRepository, RpmKeyring>();
  private readonly known: ReadonlyMap<string, string>;
  private readonly queue: PQueue;
  private readonly context: YumContext;

  /** `before`: packages of the last lock: who signed what is known where the key still counts. */
  constructor(context: YumContext, before: readonly LockedPackage[]) {
    this.context = context;
    this.queue = new PQueue({ concurrency: Math.max(1, Math.min(maxHeads, 2 * (context.concurrency ?? 8))) });
    this.known = new Map(before.flatMap(({ digest, signedBy }) => (signedBy === undefined ? [] : [[digest, signedBy] as const])));
  }

  private keyringOf(repository: LoadedRepository): RpmKeyring {
    const keyring = this.keyrings.get(repository) ?? new RpmKeyring(repository.checked.keys, this.context.now());
    this.keyrings.set(repository, keyring);
    return keyring;
  }

  /** In the order of the questions. The first package that is refused stops the others. */
  async ask(questions: readonly SigningQuestion[], signal: AbortSignal): Promise<readonly SigningAnswer[]> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    return settled(questions.map((question) => this.queue.add(async () => {
      if (stop.signal.aborted) return {};
      try {
        return await this.answer(question, both);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    })));
  }

  private async answer(question: SigningQuestion, signal: AbortSignal): Promise<SigningAnswer> {
    const { draft, digest, waived } = question;
    const { repository } = draft.facts;
    const { checked } = repository;
    if (!checked.repository.gpgcheck) return {};
    const before = this.known.get(digest);
    if (before !== undefined && checked.keys.some(({ fingerprint }) => fingerprint === before)) return { signedBy: before };
    try {
      return { signedBy: await this.signerOf(question, signal) };
    } catch (error) {
      if (!(error instanceof BundleError) || error.code !== 'INTEGRITY_SIGNATURE') throw error;
      if (waived) return { waived: error.facts.actual };
      throw new BundleError('INTEGRITY_SIGNATURE', { ...error.facts, next: `Give the key of ${draft.identity.name} in gpgKeys of repository ${checked.repository.id}, or name the package in allowUnsigned of the set, which is recorded.` }, { cause: error });
    }
  }

  private async signerOf({ draft, digest }: SigningQuestion, signal: AbortSignal): Promise<string> {
    const { facts, subject, urls, size } = draft;
    const { context } = facts.repository;
    const blob = rpmBlob(digest, size);
    const keyring = this.keyringOf(facts.repository);
    const now = this.context.now();
    const verifier = await RpmVerifier.start(await fetchHead(context, { urls, blob, subject, headerEnd: facts.headerEnd }, signal), keyring, { subject, now });
    const signer = verifier.headerSigner();
    if (signer !== undefined) return signer;
    // Packages of before rpm 4 gained header signatures: only the whole can be checked.
    await context.blobs.fill(blob, (offset) => streamFrom(context, urls, blob, { offset, signal }), signal);
    let found = '';
    for await (const _ of checkedPackage(context.blobs.open(blob), { keyring, subject, now, onSigner: (fingerprint) => { found = fingerprint; } })) { /* checked at its end */ }
    return found;
  }
}

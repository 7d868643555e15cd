import { type Command, Option } from 'commander';
import { claimedSigners } from '../../formats/pgp/signature.ts';
import { inspectArchive, listArchive } from '../../importer/inspect.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { verifyArchive } from '../../importer/verify.ts';
import { readKeys } from '../archive-content.ts';
import { type CommandContext, defineCommand, keyOption } from '../context.ts';
import { formatBytes, table } from '../render.ts';
import type { SignatureState } from '../../importer/signature.ts';

interface VerifyFlags {
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly quick?: boolean;
  readonly partial?: boolean;
}

/** Threads that hash: one a core is what a disk and a processor give. */
export const threads = 2;

export function signatureText(signature: SignatureState): string {
  if (signature.state === 'signed') return `signed by ${signature.signers.join(', ')}`;
  return signature.state === 'unsigned' ? 'not signed' : 'signed, but no key was given to check it';
}

export function registerInspect(program: Command): void {
  defineCommand(program, 'inspect <archive...>', {
    description: 'what an archive is, and what it holds by kind and module',
    action: async (context, _flags, args) => {
      const archive = await openArchive(args);
      const facts = await inspectArchive(archive);
      const signers = archive.signature === undefined ? [] : await claimedSigners(archive.signature);
      const signed = facts.signed ? `signed by key ${signers.join(', ')} (not checked here: see verify)` : 'not signed';
      context.print({ ...facts, claimedSigners: signers }, [
        `${facts.project}, sequence ${facts.sequence}${facts.delta ? ' (delta)' : ''}, ${signed}`,
        `  archive  ${facts.archive}`, `  bundle   ${facts.bundle}`, `  format   ${facts.formatVersion}, newest upstream date ${facts.date}`,
        `  size     ${formatBytes(facts.fileBytes)}, ${facts.blobs} blobs, ${formatBytes(facts.blobBytes)}`,
        `  volumes  ${facts.volumes.count}${facts.volumes.missing.length === 0 ? '' : `; given: ${[...archive.volumes.keys()].sort((a, b) => a - b).join(', ')}; not given: ${facts.volumes.missing.join(', ')}`}`,
        ...(facts.required === undefined ? [] : [`  needs    ${facts.required.count} blobs, ${formatBytes(facts.required.bytes)}, that the site has already`]),
        ...(facts.targets === undefined || facts.targets.length === 0 ? [] : [`  targets  ${facts.targets.join(', ')}`]),
        facts.kinds === undefined ? `  contents are in the lock, which is in volume ${facts.volumes.lock.join(' and ')}: name that too`
          : table(facts.kinds.map((kind) => [`  ${kind.kind}`, String(kind.artifacts), formatBytes(kind.bytes)])),
        ...(facts.modules === undefined || facts.modules.length === 0 ? [] : ['by module:', table(facts.modules.map((module) => [`  ${module.module}`, module.version, String(module.artifacts), formatBytes(module.bytes)]))]),
      ].join('\n'));
    },
  });
}

export function registerLs(program: Command): void {
  defineCommand<{ readonly kind?: string; readonly module?: string }>(program, 'ls <archive...>', {
    description: 'every artifact of an archive',
    flags: [new Option('--kind <kind>', 'only image, file, package, chart, git or runtime'), new Option('--module <name>', 'only what this module wanted')],
    action: async (context, flags, args) => {
      const entries = (await listArchive(await openArchive(args)))
        .filter((entry) => (flags.kind === undefined || entry.kind === flags.kind) && (flags.module === undefined || entry.modules.includes(flags.module)));
      context.print({ entries }, table(entries.map((entry) => [entry.kind, entry.name, formatBytes(entry.size), entry.digest.slice(0, 19), entry.carried ? '' : entry.partly ? 'partly at the site' : 'at the site', entry.modules.join(','), entry.installAs === undefined ? '' : `-> ${entry.installAs}`])));
    },
  });
}

export function registerVerify(program: Command): void {
  defineCommand<VerifyFlags>(program, 'verify <archive...>', {
    description: 'read an archive from its first byte to its last, and compare it with its manifest and signature',
    flags: [
      keyOption('public key that must have signed it; repeatable'), new Option('--allow-unsigned', 'do not ask for a signature'),
      new Option('--partial', 'check the volumes that are given, without the others'),
      new Option('--quick', 'signature, structure and sizes only; blobs are not read'),
    ],
    action: verify,
  });
}

async function verify(context: CommandContext, flags: VerifyFlags, paths: readonly string[]): Promise<void> {
  const started = performance.now();
  const result = await verifyArchive(paths, {
    keys: await readKeys(flags.key), allowUnsigned: flags.allowUnsigned === true, now: context.now(), concurrency: threads, notify: context.notify, signal: context.signal,
    ...(flags.quick === true ? { quick: true } : {}),
    ...(flags.partial === true ? { partial: true } : {}),
  });
  const { project, sequence } = result.archive.manifest;
  const { missing } = result.archive;
  context.print(
    { project, sequence, archive: result.archive.archive, signature: result.signature, blobs: result.blobs, bytes: result.bytes, quick: flags.quick === true, volumesNotGiven: missing },
    `${project}, sequence ${sequence}${missing.length === 0 ? '' : ` (without volumes ${missing.join(', ')})`}: ${flags.quick === true ? 'head, structure and sizes are good; blobs were not read' : `${result.blobs} blobs, ${formatBytes(result.bytes)}, all good`}; ${signatureText(result.signature)} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
}

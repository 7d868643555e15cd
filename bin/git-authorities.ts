import { join } from 'node:path';
import { commitFile } from '../store/durable-file.ts';
import { authorities } from '../transport/http-agents.ts';
import { scratchFolder } from './scratch.ts';

/** For git, which takes one file in place of its own list: the system's authorities and those of `--ca-file`, gone when the run ends. None without a flag. */
export function gitAuthorities(caFiles: readonly string[]): () => Promise<string | undefined> {
  let written: Promise<string> | undefined;
  return async () => (caFiles.length === 0 ? undefined : (written ??= write(caFiles)));
}

async function write(caFiles: readonly string[]): Promise<string> {
  const path = join(await scratchFolder(), 'authorities.pem');
  await commitFile(path, authorities(caFiles).map((pem) => `${pem.trimEnd()}\n`).join(''));
  return path;
}

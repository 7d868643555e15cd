import { Option } from 'commander';
import { BundleError } from '../bom/errors.ts';
import type { LockedRuntime } from '../bom/lock.ts';
import type { BlobWriter } from '../bom/ports.ts';
import { packageRoot } from './package-root.ts';

const known = ['linux-x64', 'linux-arm64'];

export const runtimeOption = (): Option =>
  new Option('--runtime <platforms>', `carry longshore itself, with its Node, for the far side: ${known.join(', ')}; repeatable, or separated by commas. It is locked by digest: \`export\` writes the lock anew when it changes`)
    .argParser((value: string, previous: readonly string[] | undefined) => [...(previous ?? []), ...value.split(',').map((each) => each.trim()).filter((each) => each !== '')]);

/** Puts longshore for each platform into the store. Throws `INPUT_FLAG` for a platform that there is none for, and as `collectRuntimes` does. */
export async function runtimesFor(platforms: readonly string[], store: BlobWriter, signal: AbortSignal): Promise<readonly LockedRuntime[]> {
  if (platforms.length === 0) return [];
  const strange = platforms.find((each) => !known.includes(each));
  if (strange !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--runtime', expected: `one of ${known.join(', ')}`, actual: strange });
  const { collectRuntimes } = await import('../exporter/runtime.ts');
  return collectRuntimes({ platforms, root: packageRoot, store, signal });
}

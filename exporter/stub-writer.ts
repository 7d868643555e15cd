import { type FileHandle, open } from 'node:fs/promises';
import type { VolumeLayout } from '../formats/archive/layout.ts';
import type { ArchiveContent } from '../formats/archive/plan.ts';
import { renderStub, stubBytes } from '../formats/archive/stub.ts';
import { paddedSize } from '../formats/archive/tar-header.ts';
import type { CopyPool } from '../store/copy-pool.ts';
import { storageError } from '../store/durable-file.ts';

/** Hashes the tar that was written behind the place of the script, and writes the script. */
export async function writeStub(path: string, { content, layout, pool }: { readonly content: ArchiveContent; readonly layout: VolumeLayout | undefined; readonly pool: CopyPool }): Promise<void> {
  if (layout === undefined) throw new Error('an archive without a volume');
  const { digest } = await pool.hash({ path, offset: stubBytes, size: layout.size });
  const runtime = layout.members.findLast((member) => member.path.startsWith('longshore/bin/'));
  const paths = (content.manifest.runtimes ?? []).map((each) => each.path.split('/'));
  const platforms = [...new Set(paths.map(([, , platform = '']) => platform))].sort();
  const files = [...new Set(paths.map((parts) => parts.slice(3).join('/')))].sort();
  const stub = renderStub({
    project: content.manifest.project, sequence: content.manifest.sequence, size: layout.size, sha256: digest, platforms, files,
    runtimeEnd: runtime === undefined ? layout.contentStart : runtime.contentAt + paddedSize(runtime.size),
  });
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r+');
    for (let done = 0; done < stub.length;) done += (await handle.write(stub, done, stub.length - done, done)).bytesWritten;
    await handle.chmod(0o755);
    await handle.sync();
  } catch (cause) {
    throw storageError(path, cause);
  } finally {
    await handle?.close();
  }
}

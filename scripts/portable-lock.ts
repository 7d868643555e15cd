// npm run lockfile: makes package-lock.json fit every npm. To be run after a change of packages.
//
// npm leaves out an optional package, without a word, when the Node that runs npm is older than the package's `engines` asks for. The
// platform packages of @napi-rs/lzma are such ones; they run under the pinned Node, not under the one that runs npm. So the lock file does
// not repeat their `engines`. It names no download address either: the registry is the installing machine's choice.
import { readFileSync, writeFileSync } from 'node:fs';

interface LockFile { readonly packages: Record<string, { engines?: unknown; resolved?: string; optional?: boolean }> }

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile;
for (const [name, entry] of Object.entries(lock.packages)) {
  if (name.startsWith('node_modules/@napi-rs/lzma-')) delete entry.engines;
  if (entry.resolved?.startsWith('http') === true) delete entry.resolved;
}
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);

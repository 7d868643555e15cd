// A kit: what the machine that downloads needs, and nothing that has to be downloaded first. Documents, the files they name, longshore, a script.
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { defaultProject } from '../bom/aggregate.ts';
import { keyPathsOf, withKeyPaths } from '../bom/apt-sources.ts';
import type { ParsedBom } from '../bom/documents/document.ts';
import { toYaml } from '../bom/documents/yaml-writer.ts';
import { BundleError } from '../bom/errors.ts';
import { commitFile, makeDirectory, storageError, syncDirectory } from '../store/durable-file.ts';
import type { CommandContext } from './context.ts';
import { exists } from './files.ts';
import { readInputs } from './inputs.ts';
import type { RemoteAccess } from './remote-modules.ts';
import { writeRuntimes } from './runtime-folder.ts';

export interface KitOptions {
  readonly folder: string;
  /** Documents, as with -f. */
  readonly file: readonly string[];
  /** For documents that are published elsewhere. */
  readonly access: RemoteAccess;
  /** `ubuntu-20.04`: only targets of this system. */
  readonly os?: string;
  /** Carried along when it is there, so that what is pinned stays pinned. */
  readonly lock: string;
  readonly platforms: readonly string[];
}

export interface KitResult { readonly folder: string; readonly boms: readonly string[]; readonly files: readonly string[]; readonly notes: readonly string[] }

/** Where documents name files of this machine; `*` is any item. Configurations are left out: they are the site's, and not redacted yet. */
const bomPaths = [
  'files.*.path', 'files.*.signature.key', 'images.*.archive.path', 'images.*.verify.cosign.key', 'packageRepositories.*.gpgKeys.*.path', 'packages.*.assumeInstalled',
  'charts.*.source.path', 'charts.*.keyring', 'charts.*.valuesFiles.*',
];
const projectPaths = ['systemRepositories.*.*.gpgKeys.*.path'];
/** apt lines, which name their keys as `signed-by=/path`. */
const aptLines = ['packageRepositories.*.line', 'systemRepositories.*.*', 'systemRepositories.*.*.line'];
/** Texts of .sources files, which name keys in Signed-By. */
const aptSources = ['packageRepositories.*.sources', 'systemRepositories.*.*.sources'];
const signedBy = /\s*\bsigned-by=(\/[^\s\],]+)/;

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/**
 * Writes the kit as a whole, or nothing: it is made beside `folder` and renamed. Throws `INPUT_FLAG` for a folder that is not empty and for a system
 * that no document has a target for, `INPUT_MISSING_FILE` for a file that a document names and that is not here.
 */
export async function writeKit(context: CommandContext, options: KitOptions): Promise<KitResult> {
  const folder = resolve(options.folder);
  const taken = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => { if (cause.code === 'ENOENT') return []; throw storageError(folder, cause); });
  if (taken.length > 0) throw new BundleError('INPUT_FLAG', { subject: folder, expected: 'an empty folder, or none', actual: `it holds ${taken[0] ?? ''}`, next: 'Name another folder, or empty this one.' });
  const inputs = await readInputs(options.file, options.access);
  const project = inputs.project ?? defaultProject(inputs.boms, basename(resolve('.')));
  const work = `${folder}.${process.pid}.tmp`;
  await makeDirectory(dirname(work));
  try {
    await mkdir(work);
    const kit = new Kit(work);
    const names = unique(inputs.boms.map((bom) => bom.value.metadata.name));
    for (const [index, bom] of inputs.boms.entries()) await kit.document(`boms/${names[index] ?? index}.yaml`, bom, bomPaths);
    await kit.document('project.yaml', project, projectPaths, (spec) => ({
      ...spec, modules: names.map((name) => ({ bom: `boms/${name}.yaml` })),
      ...(options.os === undefined ? {} : { targets: targetsOf(options.os, inputs.boms) }),
    }));
    const locked = await exists(options.lock);
    if (locked) await cp(options.lock, join(work, 'longshore.lock.json'));
    await writeRuntimes(context, join(work, 'bin'), options.platforms);
    await commitFile(join(work, 'longshore'), launcher, 0o755);
    await commitFile(join(work, 'run.sh'), runScript(project.value.metadata.name), 0o755);
    await rename(work, folder);
    await syncDirectory(dirname(folder));
    return { folder, boms: names, files: kit.files, notes: [...kit.notes, ...(locked ? [`${options.lock} goes along: what it pins stays pinned`] : [])] };
  } catch (cause) {
    await rm(work, { recursive: true, force: true });
    throw storageError(folder, cause);
  }
}

interface Taking { readonly document: Pick<ParsedBom, 'folder' | 'file'>; /** From the document to the kit's root. */ readonly up: string }

class Kit {
  readonly files: string[] = [];
  readonly notes: string[] = [];
  private readonly root: string;
  private readonly copied = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
  }

  /** A document with the files that it names: they go to files/, and the document says so. */
  async document(path: string, document: Pick<ParsedBom, 'canonical' | 'folder' | 'file'>, paths: readonly string[], change: (spec: { [key: string]: Plain }) => { [key: string]: Plain } = (spec) => spec): Promise<void> {
    const value = JSON.parse(new TextDecoder().decode(document.canonical)) as { spec?: { [key: string]: Plain } };
    const spec = value.spec ?? {};
    const up = '../'.repeat(path.split('/').length - 1);
    for (const pattern of paths) await this.rewrite(spec, pattern.split('.'), { document, up }, 'path');
    for (const pattern of aptLines) await this.rewrite(spec, pattern.split('.'), { document, up }, 'line');
    for (const pattern of aptSources) await this.rewrite(spec, pattern.split('.'), { document, up }, 'sources');
    if (Array.isArray(spec['configs']) && spec['configs'].length > 0) this.notes.push(`${document.file}: configurations stay on this machine; lock and export there if they have to travel`);
    await makeDirectory(dirname(join(this.root, path)));
    await commitFile(join(this.root, path), toYaml({ ...value, spec: change(spec) }));
  }

  private async rewrite(value: Plain | undefined, [key = '', ...rest]: readonly string[], place: Taking, kind: 'path' | 'line' | 'sources'): Promise<void> {
    if (typeof value !== 'object' || value === null) return;
    const keys = key === '*' ? Object.keys(value) : [key];
    const holder = value as { [key: string]: Plain };
    for (const each of keys) {
      const item = holder[each];
      if (rest.length > 0) { await this.rewrite(item, rest, place, kind); continue; }
      if (typeof item !== 'string' || item === '') continue;
      if (kind === 'sources') holder[each] = await this.takeKeys(item, place);
      else if (/^deb[\s[]/.test(item)) await this.takeKey(holder, each, item, place);
      else if (kind === 'path') holder[each] = await this.take(item, place);
    }
  }

  /** The key that an apt line names by a path, as one of the fields: there it may be a path beside the document. */
  private async takeKey(holder: { [key: string]: Plain }, name: string, line: string, place: Taking): Promise<void> {
    const key = signedBy.exec(line)?.[1];
    if (key === undefined) return;
    const gpgKeys = [{ path: await this.take(key, place) }];
    const bare = line.replace(signedBy, '').replace(/\[\s*\]\s*/, '');
    if (name === 'line') { holder['line'] = bare; holder['gpgKeys'] = gpgKeys; } else holder[name] = { line: bare, gpgKeys };
  }

  private async takeKeys(sources: string, place: Taking): Promise<string> {
    const taken = new Map<string, string>();
    for (const path of keyPathsOf(sources)) taken.set(path, await this.take(path, place));
    return withKeyPaths(sources, (path) => taken.get(path) ?? path);
  }

  private async take(written: string, { document, up }: Taking): Promise<string> {
    if (written.includes('${')) { this.notes.push(`${document.file}: ${written} depends on a variable: put the file into the kit yourself`); return written; }
    // A chart of a git repository has its path there, a document from elsewhere may name no files of this machine.
    if (document.folder === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return written;
    const from = resolve(document.folder, written);
    if (!(await exists(from))) throw new BundleError('INPUT_MISSING_FILE', { subject: document.file, expected: `the file ${written} that it names`, actual: 'nothing there' });
    const known = this.copied.get(from);
    const name = known ?? `files/${String(this.copied.size + 1).padStart(2, '0')}-${basename(from)}`;
    if (known === undefined) {
      await makeDirectory(join(this.root, 'files'));
      await cp(from, join(this.root, name), { recursive: true, dereference: true });
      this.copied.set(from, name);
      this.files.push(name);
    }
    return `${up}${name}`;
  }
}

function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** Ids of the targets of one system, in the spelling of its own project too: redhat-7 is rhel 7. */
function targetsOf(os: string, boms: readonly ParsedBom[]): string[] {
  const targets = boms.flatMap((bom) => bom.value.spec?.targets ?? []);
  const wanted = os.replace(/^redhat-/, 'rhel-');
  const found = targets.filter((target) => target.id === os || `${target.os ?? ''}-${target.release ?? ''}`.replace(/^redhat-/, 'rhel-') === wanted);
  if (found.length > 0) return [...new Set(found.map(({ id }) => id))];
  throw new BundleError('INPUT_FLAG', { subject: `--os ${os}`, expected: `a system that the documents have a target for: ${[...new Set(targets.map((target) => `${target.os ?? target.id}-${target.release ?? ''}`))].sort().join(', ') || '(they have none)'}`, actual: os });
}

/** Starts the runtime below bin/ that fits the machine. */
export const launcher = `#!/bin/sh
# Starts the longshore of this kit for the machine it is on.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 6
case $(uname -m) in
x86_64 | amd64) platform=linux-x64 ;;
aarch64 | arm64) platform=linux-arm64 ;;
*) echo "longshore: this kit has no longshore for $(uname -m)" >&2; exit 2 ;;
esac
[ -x "$here/bin/$platform/longshore" ] || { echo "longshore: this kit was made without $platform: make it again with --runtime $platform" >&2; exit 2; }
exec "$here/bin/$platform/longshore" "$@"
`;

function runScript(name: string): string {
  return `#!/bin/sh
# Fetches everything that the project wants and writes one archive. Any Linux with internet; no root. Run it again after an interruption.
#   ./run.sh [ARCHIVE] [further flags of longshore export: --sign KEY, --split SIZE, --base RECEIPT]
set -eu
cd "$(dirname -- "$0")"
archive=\${1:-${name}.tar}
[ $# -eq 0 ] || shift
./longshore lock -f project.yaml --store store
./longshore download -f project.yaml --store store
./longshore export --store store -o "$archive" "$@"
`;
}

// Adapters of other teams: programs in the folders of LONGSHORE_ADAPTERS. docs/adapters.md describes what they read and write.
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import type { AdapterOptions, Converted } from '../bom/adapters/adapter.ts';
import { parseDocuments } from '../bom/documents/document.ts';
import { BundleError } from '../bom/errors.ts';

const maxOutputBytes = 64 * 1024 * 1024;
const maxComplaintBytes = 64 * 1024;
const adapterName = /^[a-z0-9][a-z0-9-]{0,62}$/;

export interface ExternalAdapter {
  readonly name: string;
  readonly file: string;
}

/** Every program that may be named as a format, sorted by name; of two with one name the one in the earlier folder. Throws `INPUT_FLAG` for a folder that cannot be read. */
export async function externalAdapters(setting = process.env.LONGSHORE_ADAPTERS ?? ''): Promise<ExternalAdapter[]> {
  const found = new Map<string, string>();
  for (const folder of setting.split(delimiter).filter((each) => each !== '')) {
    const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
      throw new BundleError('INPUT_FLAG', { subject: `LONGSHORE_ADAPTERS: ${folder}`, expected: 'a folder with adapters', actual: cause.code ?? 'an error', next: 'Correct the variable, or unset it.' }, { cause });
    });
    for (const name of names.filter((each) => adapterName.test(each) && !found.has(each))) {
      const file = resolve(folder, name);
      if ((await stat(file)).isFile() && (await isExecutable(file))) found.set(name, file);
    }
  }
  return [...found].map(([name, file]) => ({ name, file })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(() => true, () => false);
}

/** Runs `adapter` over a file or folder of this machine. Its documents are checked like any that a person wrote; each line on its stderr is a warning. */
export async function convertExternally(adapter: ExternalAdapter, path: string, options: AdapterOptions): Promise<Converted> {
  const absolute = await realpath(path);
  const folder = (await stat(absolute)).isDirectory() ? absolute : dirname(absolute);
  const { name, version, select = [], values = {} } = options;
  const request = { apiVersion: 'longshore.dev/v1alpha1', kind: 'AdapterRequest', path: absolute, name, version, select, values };
  const { output, complaints } = await run(adapter, request);
  const { boms, projects, repositories } = parseDocuments(output, `output of adapter ${adapter.name}`, { folder });
  if (boms.length === 0 || projects.length + repositories.length > 0) {
    throw failed(adapter, 'ModuleBOM documents and nothing else', `${boms.length} ModuleBOMs, ${projects.length + repositories.length} other documents`);
  }
  return { boms, warnings: complaints };
}

const failed = (adapter: ExternalAdapter, expected: string, actual: string, cause?: unknown): BundleError =>
  new BundleError('INPUT_FIELD', { subject: `adapter ${adapter.name} (${join(basename(dirname(adapter.file)), adapter.name)})`, expected, actual, next: 'Ask whoever keeps this adapter.' }, { cause });

function run(adapter: ExternalAdapter, request: object): Promise<{ readonly output: string; readonly complaints: string[] }> {
  return new Promise((done, fail) => {
    const child = spawn(adapter.file, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const sizes = { output: 0, errors: 0 };
    child.once('error', (cause: NodeJS.ErrnoException) => fail(failed(adapter, 'a program that can be run', cause.code ?? 'an error', cause)));
    child.stdout.on('data', (chunk: Buffer) => {
      sizes.output += chunk.length;
      if (sizes.output > maxOutputBytes) child.kill('SIGKILL');
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => { if ((sizes.errors += chunk.length) <= maxComplaintBytes) errors.push(chunk); });
    // A program that does not read its request is free to; what counts is what it writes and how it ends.
    child.stdin.on('error', (cause: NodeJS.ErrnoException) => { if (cause.code !== 'EPIPE') fail(failed(adapter, 'to take its request', cause.code ?? 'an error', cause)); });
    child.once('close', (code, signal) => {
      const complaints = Buffer.concat(errors).toString('utf8').split('\n').filter((line) => line.trim() !== '');
      if (sizes.output > maxOutputBytes) fail(failed(adapter, `at most ${maxOutputBytes} bytes of documents`, 'more'));
      else if (code !== 0) fail(failed(adapter, 'exit status 0', [`status ${code ?? signal ?? 'unknown'}`, ...complaints.slice(-5)].join('; ')));
      else done({ output: Buffer.concat(output).toString('utf8'), complaints });
    });
    child.stdin.end(JSON.stringify(request));
  });
}

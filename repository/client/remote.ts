// Runs the setup script on many machines, with the system's own ssh: ssh(1).
import { spawn } from 'node:child_process';
import { checkNotAborted } from '../../bom/errors.ts';
import type { InventoryHost } from '../../formats/ansible/inventory.ts';
import { quote } from './client-files.ts';
import type { ClientAction } from './setup-script.ts';

export interface RemoteOptions {
  readonly hosts: readonly InventoryHost[];
  readonly action: ClientAction;
  readonly script: string;
  /** Of the script, without the action. */
  readonly args: readonly string[];
  /** Machines at once. */
  readonly concurrency: number;
  /** For `ssh -o`, each. */
  readonly sshOptions: readonly string[];
  /** Called as soon as a machine is done. */
  readonly onDone: (outcome: HostOutcome) => void;
  readonly signal: AbortSignal;
}

export interface HostOutcome {
  readonly host: string;
  /** `found`: the audit has something to say. `unreachable`: ssh did not get there. */
  readonly status: 'changed' | 'unchanged' | 'found' | 'clean' | 'failed' | 'unreachable';
  /** What the script said, or why it failed. */
  readonly lines: readonly string[];
}

const outputLimitBytes = 256 * 1024;
/** ssh's own status when it is not that of the command (ssh(1), "EXIT STATUS"). */
const sshFailed = 255;
const auditFound = 3;

/** Outcomes in the order of `hosts`; a machine that fails stops no other. Throws `INTERRUPTED` when aborted: what runs then is ended. */
export async function runOnHosts(options: RemoteOptions): Promise<readonly HostOutcome[]> {
  const { hosts, concurrency, onDone, signal } = options;
  const outcomes: HostOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next; index < hosts.length; index = next) {
      next += 1;
      checkNotAborted(signal, 'client');
      const host = hosts[index];
      if (host === undefined) return;
      const outcome = await runOnHost(host, options);
      outcomes[index] = outcome;
      onDone(outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, hosts.length) }, lane));
  checkNotAborted(signal, 'client');
  return outcomes;
}

async function runOnHost(host: InventoryHost, options: RemoteOptions): Promise<HostOutcome> {
  const { action, script, args } = options;
  const command = remoteCommand(script, [action, ...args], action === 'audit');
  const [program, words] = host.isLocal ? ['sh', ['-c', command]] as const : ['ssh', sshArguments(host, options.sshOptions, command)] as const;
  const { status, stdout, stderr } = await runWithInput(program, words, script, options.signal);
  const [out, errors] = [linesOf(stdout), linesOf(stderr)];
  if (status === 0) {
    const isChanged = out.some((line) => /^(wrote|took away|restored) /.test(line));
    return { host: host.name, status: action === 'audit' ? 'clean' : isChanged ? 'changed' : 'unchanged', lines: [...out, ...errors] };
  }
  if (action === 'audit' && status === auditFound) return { host: host.name, status: 'found', lines: out };
  const lines = [...out, ...errors];
  return { host: host.name, status: status === sshFailed && !host.isLocal ? 'unreachable' : 'failed', lines: lines.length === 0 ? [`ended with status ${status}`] : lines };
}

function sshArguments({ address, port, user, identityFile }: InventoryHost, sshOptions: readonly string[], command: string): string[] {
  return [
    // What is given comes first: ssh takes the first value of an option.
    ...sshOptions.flatMap((option) => ['-o', option]),
    '-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', '-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4',
    ...(port === undefined ? [] : ['-p', String(port)]), ...(user === undefined ? [] : ['-l', user]), ...(identityFile === undefined ? [] : ['-i', identityFile]),
    '--', address, `exec sh -c ${quote(command)}`,
  ];
}

/** Takes the script in whole before any of it runs, becomes root by sudo without asking, and leaves nothing behind. */
function remoteCommand(script: string, args: readonly string[], rootless: boolean): string {
  const words = args.map(quote).join(' ');
  const bytes = Buffer.byteLength(script);
  return `f=$(mktemp) || exit 1
trap 'rm -f "$f"' EXIT
trap 'exit 130' HUP INT TERM
cat > "$f"
[ "$(wc -c < "$f")" -eq ${bytes} ] || { echo 'the script came incomplete' >&2; exit 1; }
if [ "$(id -u)" -eq 0 ]${rootless ? ' || ! sudo -n true 2>/dev/null' : ''}; then sh "$f" ${words} < /dev/null; else sudo -n sh "$f" ${words} < /dev/null; fi`;
}

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '');
}

interface Ended { readonly status: number; readonly stdout: string; readonly stderr: string }

/** Never rejects: a program that cannot be started ends with 255 and says why. Output beyond a limit is dropped. */
function runWithInput(program: string, args: readonly string[], input: string, signal: AbortSignal): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => { if (texts[name].length < outputLimitBytes) texts[name] += text; });
    }
    const stop = (): void => { child.kill('SIGTERM'); };
    signal.addEventListener('abort', stop, { once: true });
    child.once('error', (cause) => { signal.removeEventListener('abort', stop); done({ status: sshFailed, stdout: '', stderr: `${program}: ${cause.message}` }); });
    child.once('close', (code) => { signal.removeEventListener('abort', stop); done({ status: code ?? sshFailed, ...texts }); });
    // A machine that closes its end early says why on stderr.
    child.stdin.on('error', () => undefined).end(input);
  });
}

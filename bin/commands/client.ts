import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { type InventoryHost, limitHosts, parseInventory } from '../../formats/ansible/inventory.ts';
import { clientParts } from '../../repository/client/client-files.ts';
import { type HostOutcome, runOnHosts } from '../../repository/client/remote.ts';
import type { ClientAction } from '../../repository/client/setup-script.ts';
import { commitFile } from '../../store/durable-file.ts';
import { clientScript, type ScriptSource } from '../client-script.ts';
import { collect, type CommandContext, defineCommand, networkOptions, positiveInteger, readInput } from '../context.ts';
import { table } from '../render.ts';
import { optionalStore } from '../which-store.ts';

export interface ClientFlags extends ScriptSource {
  readonly inventory: readonly string[];
  readonly limit?: string;
  readonly concurrency: number;
  readonly sshOption: readonly string[];
  readonly target?: string;
  readonly only?: string;
  readonly dryRun?: boolean;
  readonly output?: string;
}

const purposes: Readonly<Record<ClientAction, string>> = {
  setup: 'point cluster machines here: apt, dnf, zypper, containerd, podman, CRI-O, Docker, K3s, RKE2, trust in this machine\'s authority',
  teardown: 'put back what setup changed on cluster machines, byte for byte',
  audit: 'what cluster machines would still fetch elsewhere, or hold from elsewhere; exit code 3 when there is anything',
};

const flagsOf = (action: ClientAction): Option[] => [
  new Option('-i, --inventory <file>', 'machines to do it on, over ssh: a plain list, or an Ansible inventory (INI, YAML); repeatable. Without it, the script for one machine is printed').default([]).argParser(collect),
  new Option('--limit <pattern>', 'only these hosts and groups: names with *, several with a comma, without with !, only with &'),
  new Option('--concurrency <n>', 'machines at once').default(16).argParser(positiveInteger),
  new Option('--ssh-option <option>', 'for ssh -o, such as User=ops; repeatable').default([]).argParser(collect),
  new Option('--origin <url>', 'how cluster machines reach this one: https://host:port (default: what `longshore create` decided)'),
  new Option('--from <url>', 'fetch the script there, when this is not the repository machine'),
  optionalStore(), ...networkOptions(),
  new Option('--dry-run', 'say what would change'),
  new Option('-o, --output <file>', 'write the script here instead of printing it'),
  ...(action === 'teardown' ? [] : [new Option('--only <parts>', `only these, with a comma between them: ${clientParts.join(', ')}`)]),
  ...(action === 'setup' ? [new Option('--exclusive', 'take other package sources away until teardown, and know no other registry'), new Option('--target <id>', 'packages of this target, whatever system the machine says it is')] : []),
];

export function registerClient(program: Command): void {
  const group = program.command('client').description('point cluster machines here, and back again');
  for (const action of ['setup', 'teardown', 'audit'] as const) {
    defineCommand<ClientFlags>(group, action, { description: purposes[action], flags: flagsOf(action), action: (context, flags) => runClient(context, flags, action) });
  }
}

async function runClient(context: CommandContext, flags: ClientFlags, action: ClientAction): Promise<void> {
  checkParts(flags.only);
  const plain = await clientScript(context, flags, action);
  checkTarget(flags.target, plain);
  if (flags.inventory.length > 0) return runOnInventory(context, flags, { action, script: plain });
  const script = withChoices(plain, flags);
  if (flags.output !== undefined) {
    await commitFile(flags.output, script, 0o755);
    context.print({ wrote: flags.output }, `wrote ${flags.output}: run it as root on the machine`);
  } else context.print({ script }, script.trimEnd());
}

/** The script refuses these too; here it is said once, before the first machine is asked. */
function checkParts(only: string | undefined): void {
  const known: readonly string[] = clientParts;
  const wrong = only?.split(',').filter((part) => !known.includes(part)) ?? [];
  if (wrong.length > 0) throw new BundleError('INPUT_FLAG', { subject: '--only', expected: `parts, with a comma between them: ${clientParts.join(', ')}`, actual: wrong.map((part) => part || 'nothing').join(', ') });
}

/** A script from elsewhere may be one that does not say its targets. */
function checkTarget(target: string | undefined, script: string): void {
  const targets = /^targets='(.*)'$/m.exec(script)?.[1]?.split(' ').filter((id) => id !== '');
  if (target === undefined || targets === undefined || targets.includes(target)) return;
  throw new BundleError('INPUT_FLAG', { subject: '--target', expected: targets.length === 0 ? 'no target: what is served has none' : `a target of what is served: ${targets.join(', ')}`, actual: target });
}

/** The script with what the flags say as its own defaults: over ssh they are its arguments. */
function withChoices(script: string, { target, only, dryRun }: ClientFlags): string {
  if (target === undefined && only === undefined && dryRun !== true) return script;
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const defaults = /^(action=\w+;) target=; only=; (exclusive=\w+;) dry=no;/m;
  if (!defaults.test(script)) throw new BundleError('INPUT_FLAG', { subject: 'client setup', expected: 'a script of this version of longshore', actual: 'one that --target, --only and --dry-run cannot be written into', next: 'Pass them to the script: sh setup.sh --dry-run.' });
  return script.replace(defaults, (_line, action: string, exclusive: string) =>
    `${action} target=${target === undefined ? '' : quoted(target)}; only=${only === undefined ? '' : quoted(`,${only},`)}; ${exclusive} dry=${dryRun === true ? 'yes' : 'no'};`);
}

/** Runs the script on every machine and reports. Throws `TARGET_REFUSED` when a machine failed, `RESOLVE_ELSEWHERE` when an audit found something. */
export async function runOnInventory(context: CommandContext, flags: Omit<ClientFlags, keyof ScriptSource>, { action, script }: { readonly action: ClientAction; readonly script: string }): Promise<void> {
  const hosts = readHosts(flags);
  const outcomes = await runOnHosts({
    hosts, action, script, concurrency: flags.concurrency, sshOptions: flags.sshOption, signal: context.signal,
    args: [...(flags.target === undefined ? [] : ['--target', flags.target]), ...(flags.only === undefined ? [] : ['--only', flags.only]), ...(flags.dryRun === true ? ['--dry-run'] : [])],
    onDone: ({ host, status }) => context.note(`${host}: ${status}`),
  });
  const bad = outcomes.filter(({ status }) => status === 'failed' || status === 'unreachable');
  const found = outcomes.filter(({ status }) => status === 'found');
  // With --json there is one document: the error's, which has every outcome too.
  if (!context.json || bad.length + found.length === 0) context.print({ action, hosts: outcomes }, [
    table(outcomes.map((outcome) => [outcome.host, outcome.status, summaryOf(outcome)])),
    ...outcomes.filter(({ status }) => status === 'found').flatMap(({ host, lines }) => [`${host}:`, ...lines.map((line) => `  ${line}`)]),
  ].join('\n'));
  if (bad.length > 0) {
    const onlyUnreachable = bad.every(({ status }) => status === 'unreachable');
    throw new BundleError(onlyUnreachable ? 'TRANSFER_CONNECT' : 'TARGET_REFUSED', {
      subject: bad.map(({ host }) => host).join(', '), expected: `${action} on ${outcomes.length} machine${outcomes.length === 1 ? '' : 's'}`, actual: `${bad.length} ${onlyUnreachable ? 'could not be reached' : 'failed'}: ${bad[0]?.lines.at(-1) ?? ''}`,
      next: 'Clear that up and run it again: it changes only what is not yet as it should be.', details: { action, hosts: outcomes },
    });
  }
  if (found.length > 0) {
    throw new BundleError('RESOLVE_ELSEWHERE', {
      subject: found.map(({ host }) => host).join(', '), expected: 'machines that fetch everything here', actual: `${found.length} of ${outcomes.length} would fetch elsewhere, or did`, details: { action, hosts: outcomes },
    });
  }
}

function readHosts({ inventory, limit }: Pick<ClientFlags, 'inventory' | 'limit'>): readonly InventoryHost[] {
  const all = new Map(inventory.flatMap((path) => parseInventory(readInput(path), path)).map((host) => [host.name, host]));
  if (all.size === 0) throw new BundleError('INPUT_FIELD', { subject: inventory.join(', '), expected: 'at least one host', actual: 'none' });
  const hosts = limit === undefined ? [...all.values()] : limitHosts([...all.values()], limit);
  if (hosts.length === 0) throw new BundleError('INPUT_FLAG', { subject: `--limit ${limit}`, expected: 'at least one host', actual: 'none' });
  return hosts;
}

function summaryOf({ status, lines }: HostOutcome): string {
  const changes = lines.filter((line) => /^(wrote|took away|restored) /.test(line)).length;
  switch (status) {
    case 'changed': return `${changes} file${changes === 1 ? '' : 's'}`;
    case 'found': return `${lines.length} thing${lines.length === 1 ? '' : 's'} found`;
    case 'failed': case 'unreachable': return lines.at(-1) ?? '';
    default: return lines.find((line) => line.startsWith('would ')) === undefined ? '' : `${lines.filter((line) => line.startsWith('would ')).length} would change`;
  }
}

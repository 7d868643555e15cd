// Inventories: Ansible documentation, "How to build your inventory" (INI and YAML, ranges, groups, connection variables), and plain lists of hosts.
import { parseDocument } from 'yaml';
import { BundleError } from '../../bom/errors.ts';
import { expandRange } from './range.ts';

export interface InventoryHost {
  readonly name: string;
  /** Where ssh connects: ansible_host, else the name. */
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  /** ansible_connection=local: commands run here. */
  readonly isLocal: boolean;
  /** Every group that it belongs to, those above them too; `all` is not among them. Sorted. */
  readonly groups: readonly string[];
}

type Variables = Readonly<Record<string, string>>;

interface Group {
  readonly hosts: Map<string, Variables>;
  readonly children: Set<string>;
  variables: Variables;
}

class Groups {
  readonly byName = new Map<string, Group>();
  readonly subject: string;

  constructor(subject: string) {
    this.subject = subject;
  }

  get(name: string): Group {
    const group = this.byName.get(name) ?? { hosts: new Map<string, Variables>(), children: new Set<string>(), variables: {} };
    this.byName.set(name, group);
    return group;
  }

  addHost(group: string, pattern: string, variables: Variables): void {
    const { hosts } = this.get(group);
    for (const name of expandRange(pattern, this.subject)) hosts.set(name, { ...hosts.get(name), ...variables });
  }
}

/**
 * Hosts of an inventory, in its order, each once: Ansible YAML, Ansible INI, or one host a line (`[user@]host[:port]`). A host's variables win over its group's, a group's over those of the group
 * above. Throws `INPUT_FIELD` with the file, and the line where there is one. Variables beside the inventory (group_vars, host_vars) and templates are not read.
 */
export function parseInventory(text: string, subject: string): readonly InventoryHost[] {
  const groups = new Groups(subject);
  if (isYaml(text)) readYaml(text, groups);
  else readIni(text, groups);
  return hostsOf(groups);
}

/** INI never begins a file with a bare `key:` line; YAML inventories always do. */
function isYaml(text: string): boolean {
  const first = text.split('\n').map((line) => line.replace(/#.*/, '').trimEnd()).find((line) => line.trim() !== '' && line.trim() !== '---') ?? '';
  return /^[\w.-]+:$/.test(first) || first.startsWith('{') || /^[\w.-]+:\s*\{/.test(first);
}

// ---- INI

const headline = /^\[([^\]:]+)(?::(vars|children))?\]$/;

function readIni(text: string, groups: Groups): void {
  let group = 'ungrouped';
  let kind: string | undefined;
  for (const [number, raw] of text.split('\n').entries()) {
    const line = raw.replace(/(^|\s)[#;].*$/, '').trim();
    if (line === '') continue;
    const where = `${groups.subject}:${number + 1}`;
    if (line.startsWith('[') && headline.test(line)) {
      [, group = '', kind] = headline.exec(line) ?? [];
      groups.get(group);
    } else if (kind === 'children') groups.get(group).children.add(line);
    else if (kind === 'vars') {
      const at = line.indexOf('=');
      if (at < 1) throw wrong(where, 'key=value', line);
      groups.get(group).variables = { ...groups.get(group).variables, [line.slice(0, at).trim()]: unquote(line.slice(at + 1).trim()) };
    } else readHostLine(line, { group, groups, where });
  }
}

function readHostLine(line: string, { group, groups, where }: { readonly group: string; readonly groups: Groups; readonly where: string }): void {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const [pattern = '', ...rest] = words;
  const variables: Record<string, string> = {};
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at < 1) throw wrong(where, 'a host and key=value pairs', word);
    variables[word.slice(0, at)] = unquote(word.slice(at + 1));
  }
  const [, user, host = '', port] = /^(?:([^@\s]+)@)?(\[[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*\]|.*?)(?::(\d{1,5}))?$/.exec(pattern) ?? [];
  const name = host.replace(/^\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]$/, (all, inner: string) => (inner.split(':').length > 3 ? inner : all));
  if (!/^[^\s/=]+$/.test(name)) throw wrong(where, 'a host', pattern);
  groups.addHost(group, name, { ...(user === undefined ? {} : { ansible_user: user }), ...(port === undefined ? {} : { ansible_port: port }), ...variables });
}

function unquote(text: string): string {
  return /^(['"])(.*)\1$/s.exec(text)?.[2] ?? text;
}

// ---- YAML

function readYaml(text: string, groups: Groups): void {
  // Every scalar as its text; a host without a value (`web1:`) is there all the same.
  const document = parseDocument(text, { schema: 'failsafe', logLevel: 'error', merge: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw wrong(`${groups.subject}:${problem.linePos?.[0].line ?? 1}`, 'YAML', problem.message.split('\n', 1)[0] ?? '');
  for (const [name, group] of Object.entries(mapping(document.toJS({ maxAliasCount: 100 }), groups.subject, 'groups'))) readYamlGroup(name, group, groups);
}

function readYamlGroup(name: string, tree: unknown, groups: Groups): void {
  const group = groups.get(name);
  const where = `${groups.subject}: group ${name}`;
  for (const [key, value] of Object.entries(mapping(tree, where, 'hosts, vars and children'))) {
    if (key === 'hosts') for (const [host, variables] of Object.entries(mapping(value, where, 'hosts'))) groups.addHost(name, host, scalars(mapping(variables, where, 'variables')));
    else if (key === 'vars') group.variables = { ...group.variables, ...scalars(mapping(value, where, 'variables')) };
    else if (key === 'children') {
      for (const [child, inner] of Object.entries(mapping(value, where, 'groups'))) {
        group.children.add(child);
        readYamlGroup(child, inner, groups);
      }
    } else throw wrong(where, 'hosts, vars or children', key);
  }
}

/** Nothing (`host:` alone) is an empty mapping. */
function mapping(tree: unknown, where: string, what: string): Readonly<Record<string, unknown>> {
  if (tree === undefined || tree === null || tree === '') return {};
  if (typeof tree !== 'object' || Array.isArray(tree)) throw wrong(where, `a mapping of ${what}`, typeof tree === 'string' ? tree.slice(0, 60) : 'a list');
  return { ...tree };
}

function scalars(tree: Readonly<Record<string, unknown>>): Variables {
  return Object.fromEntries(Object.entries(tree).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : [])));
}

// ---- both

function hostsOf(groups: Groups): InventoryHost[] {
  const parents = new Map<string, Set<string>>();
  for (const [name, { children }] of groups.byName) for (const child of children) parents.set(child, (parents.get(child) ?? new Set()).add(name));
  const found = new Map<string, { variables: Record<string, string>; groups: Set<string> }>();
  for (const [name, group] of groups.byName) {
    const chain = above(name, parents, groups.subject);
    for (const host of group.hosts.keys()) {
      const known = found.get(host) ?? { variables: {}, groups: new Set<string>() };
      for (const each of chain) known.groups.add(each);
      found.set(host, known);
    }
  }
  return [...found].map(([name, { groups: own }]) => {
    // The furthest above first, so that what is nearer wins; the host's own last.
    const order = [...own].sort((a, b) => depthOf(a, parents) - depthOf(b, parents) || (a < b ? -1 : 1));
    const variables: Record<string, string> = { ...groups.byName.get('all')?.variables };
    for (const group of order) Object.assign(variables, groups.byName.get(group)?.variables);
    for (const group of [...order]) Object.assign(variables, groups.byName.get(group)?.hosts.get(name));
    return hostOf(name, variables, { subject: groups.subject, groups: order.filter((each) => each !== 'all' && each !== 'ungrouped').sort() });
  });
}

function above(name: string, parents: ReadonlyMap<string, ReadonlySet<string>>, subject: string, seen: readonly string[] = []): string[] {
  if (seen.includes(name)) throw wrong(subject, 'groups that do not contain themselves', [...seen, name].join(' > '));
  return [name, ...[...(parents.get(name) ?? [])].flatMap((parent) => above(parent, parents, subject, [...seen, name]))];
}

function depthOf(name: string, parents: ReadonlyMap<string, ReadonlySet<string>>): number {
  const own = [...(parents.get(name) ?? [])];
  return own.length === 0 ? 0 : 1 + Math.max(...own.map((parent) => depthOf(parent, parents)));
}

function hostOf(name: string, variables: Variables, { subject, groups }: { readonly subject: string; readonly groups: readonly string[] }): InventoryHost {
  const where = `${subject}: host ${name}`;
  const value = (...keys: readonly string[]): string | undefined => {
    const found = keys.map((key) => variables[key]).find((each) => each !== undefined && each !== '');
    if (found?.includes('{{') === true) throw wrong(where, 'a value', `the template ${found}, which only Ansible can fill in`);
    return found;
  };
  const address = value('ansible_host', 'ansible_ssh_host') ?? name;
  const port = value('ansible_port', 'ansible_ssh_port');
  const user = value('ansible_user', 'ansible_ssh_user');
  const identityFile = value('ansible_ssh_private_key_file', 'ansible_private_key_file');
  // ssh takes what begins with a dash as an option, and gives host and user to a shell where its configuration runs a program (ProxyCommand, Match exec).
  for (const text of [address, user ?? '']) if (text.startsWith('-') || /[\s\u0000-\u001f\u007f'"`$\\;&<>|(){}]/.test(text)) throw wrong(where, 'a host and a user name', text);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536)) throw wrong(where, 'a port', port);
  return {
    name, address, groups, isLocal: value('ansible_connection') === 'local',
    ...(port === undefined ? {} : { port: Number(port) }), ...(user === undefined ? {} : { user }), ...(identityFile === undefined ? {} : { identityFile }),
  };
}

function wrong(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INPUT_FIELD', { subject, expected, actual, next: 'Correct the inventory: a plain list of hosts, or Ansible INI or YAML.' });
}

/** The hosts that `pattern` names: hosts, groups, `*`; several with `,`, without with `!`, only with `&`. Throws `INPUT_FLAG` for a name that nothing has. */
export function limitHosts(hosts: readonly InventoryHost[], pattern: string): readonly InventoryHost[] {
  const matches = (word: string): ReadonlySet<InventoryHost> => {
    const expression = new RegExp(`^${word.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    const found = hosts.filter(({ name, groups }) => word === 'all' || expression.test(name) || groups.some((group) => expression.test(group)));
    if (found.length === 0) throw new BundleError('INPUT_FLAG', { subject: `--limit ${pattern}`, expected: 'names of hosts or groups of the inventory', actual: `${word}, which matches none` });
    return new Set(found);
  };
  const words = pattern.split(',').map((word) => word.trim()).filter((word) => word !== '');
  const plain = words.filter((word) => !/^[!&]/.test(word)).map(matches);
  const only = words.filter((word) => word.startsWith('&')).map((word) => matches(word.slice(1)));
  const without = words.filter((word) => word.startsWith('!')).map((word) => matches(word.slice(1)));
  return hosts.filter((host) => (plain.length === 0 || plain.some((set) => set.has(host))) && only.every((set) => set.has(host)) && !without.some((set) => set.has(host)));
}

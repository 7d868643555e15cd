// LambdaStack's repository verbs as its design has them, spelt as longshore's own commands: `repo template|prepare|create|teardown`.
import type { Command } from 'commander';

const verbs = {
  template: 'write a project (-f outfile.yaml, --all)',
  prepare: 'write a kit for the machine that downloads (-os ubuntu-20.04 -o DIR)',
  create: 'set up the repository on this machine (-b BUILD, --offline DIR)',
  teardown: 'disable it and give the machines their settings back (-b BUILD)',
} as const;

/**
 * The command line with `repo VERB` replaced by longshore's own: `repo prepare -os OS -o DIR` is `prepare --os OS --kit DIR`, the others only lose the
 * first word. Everything else is left as it is.
 */
export function withRepoVerbs(args: readonly string[]): readonly string[] {
  const [first, verb = '', ...rest] = args;
  if (first !== 'repo' || !Object.hasOwn(verbs, verb)) return args;
  if (verb !== 'prepare') return [verb, ...rest];
  const flags: Readonly<Record<string, string>> = { '-os': '--os', '-o': '--kit', '--output': '--kit' };
  return ['prepare', ...rest.map((arg) => {
    const [, name = '', value] = /^(-os|-o|--output)(?:=(.*))?$/s.exec(arg) ?? [];
    return name === '' ? arg : `${flags[name] ?? name}${value === undefined ? '' : `=${value}`}`;
  })];
}

/** For `longshore repo --help`: the verbs themselves never get here. */
export function registerRepo(program: Command): void {
  const group = program.command('repo').description('the repository verbs of LambdaStack, as aliases');
  for (const [verb, description] of Object.entries(verbs)) group.command(verb).description(`${description}: longshore ${verb}`);
}

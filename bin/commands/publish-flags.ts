import { Option } from 'commander';
import { collect, type NetworkFlags } from '../context.ts';

export const layoutNames = ['epirepo', 'dcos-universe', 'dcos-serve', 'zeta'] as const;

export interface LayoutFlags {
  readonly layout?: (typeof layoutNames)[number];
  readonly to?: string;
  readonly platform?: string;
  readonly target?: string;
  readonly module: readonly string[];
  readonly baseUrl?: string;
  readonly root?: string;
  readonly link?: boolean;
}

export interface PublishFlags extends NetworkFlags, LayoutFlags {
  readonly registry?: string;
  readonly tree?: string;
  readonly bundle?: string;
  readonly keep: number;
  readonly store?: string;
  readonly project?: string;
  readonly nameTemplate: string;
  readonly rewriteIndexes?: boolean;
  readonly record?: string;
  readonly concurrency: number;
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
}

export const layoutOptions = (): Option[] => [
  new Option('--layout <name>', 'write a tree for another system instead: epirepo (Epiphany, LambdaStack), dcos-universe, dcos-serve (genconf/serve), zeta').choices(layoutNames),
  new Option('--to <dir>', 'with --layout: the folder to write into'),
  new Option('--platform <os/arch>', 'epirepo: which platform of each image'),
  new Option('--target <id>', 'epirepo: whose packages'),
  new Option('--module <name>', 'zeta: only this module; repeatable').default([]).argParser(collect),
  new Option('--base-url <url>', 'dcos-universe: where clusters reach the repository machine'),
  new Option('--root <path>', 'zeta: the folder as the cluster sees it (default: what --to says)'),
  new Option('--link', 'hard links into the store where they can be had: nobody may change the files in place'),
];

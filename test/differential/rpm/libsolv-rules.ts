// What libsolv's cases say of rules: the clauses that follow from a package, as libsolv and as ours writes them out.
import { RuleBuilder } from '../../../downloader/solver/solv-build.ts';
import { type OracleDocument, viewOf } from './oracle.ts';

/** Clauses as texts of labels, `-` before what must not be there; all sorted. */
export type RuleTexts = readonly string[];

const clauseText = (labels: readonly string[]): string => [...new Set(labels)].sort().join(' ');

/** Lines `rule pkg HASH LITERAL`, of which those of one hash are one clause. What is asked for is left aside. */
export function rulesIn(lines: readonly string[]): RuleTexts {
  const clauses = new Map<string, string[]>();
  for (const line of lines) {
    const [, hash = '', sign = '', label = ''] = /^rule pkg ([0-9a-f]+) ([ -])(\S+)@\S+$/.exec(line) ?? [];
    if (hash !== '') clauses.set(hash, [...clauses.get(hash) ?? [], `${sign.trim()}${label}`]);
  }
  return [...clauses.values()].map(clauseText).sort();
}

/** The same of ours, for the packages of these numbers and all that they lead to. */
export function ourRules(document: OracleDocument, wanted: readonly number[]): RuleTexts {
  const view = viewOf(document);
  const builder = new RuleBuilder(view, { isMultiversion: () => false, twins: document.twins, isInstalled: () => false, isMeant: () => false, isDemanded: () => false, downgrades: true });
  builder.reach(wanted.map((index) => index + 1));
  const { rules } = builder;
  const label = (literal: number): string => `${literal < 0 ? '-' : ''}${view.universe.nevra(Math.abs(literal))}`;
  return Array.from({ length: rules.count - 1 }, (_, index) => {
    const rule = index + 1;
    const literals = [rules.first.at(rule), rules.second.at(rule)];
    if (rules.list.at(rule) > 0) for (let at = rules.list.at(rule); rules.literals.at(at) !== 0; at += 1) literals.push(rules.literals.at(at));
    return clauseText(literals.filter((literal) => literal !== 0).map(label));
  }).sort();
}

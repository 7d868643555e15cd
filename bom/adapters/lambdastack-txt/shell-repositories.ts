// Package repositories out of shell scripts, read and never run: deb lines, heredocs of .repo files, and what adds keys.
import type { AdapterFile } from '../adapter.ts';
import { type BomDraft, isTemplated, linesOf, moduleNameOf } from '../draft.ts';
import { readIni, repositoryFields } from '../yum-repo.ts';

/** Adds what can be read; a script piped into a shell and a release package are unresolved. */
export function shellRepositories(draft: BomDraft, file: AdapterFile, target: { readonly id: string; readonly manager: 'deb' | 'rpm' }): void {
  const { path } = file;
  const lines = linesOf(draft, file).map(({ text }) => text);
  const keys = lines.flatMap((line) => (/apt-key|gpg|\.asc|rpm\s+--import|GPG-KEY/i.test(line) ? [...line.matchAll(/https?:\/\/[^\s"'|;)]+/g)].map(([url]) => url) : []))
    .filter((url) => !isTemplated(url));
  for (const [index, line] of lines.entries()) {
    const where = `${path}:${index + 1}`;
    if (/^\s*#/.test(line)) continue;
    if (/(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:ba)?sh\b|^\s*add_repo_from_script\b/.test(line)) draft.unresolved(where, line, 'a script piped into a shell adds a repository');
    else if (target.manager === 'deb') addDebLine(draft, line, where, keys, target.id);
    else if (/(?:yum|dnf|rpm)\b.*\s(https?:\/\/\S+\.rpm)/.test(line)) draft.unresolved(where, line, 'a release package adds repositories');
    else if (/(?:yum-config-manager|dnf config-manager).*--add-repo[= ]\S+|^\s*add_repo\s.*https?:/.test(line)) draft.unresolved(where, line, 'a .repo file from elsewhere adds repositories');
  }
  if (target.manager === 'rpm') addRepoFiles(draft, lines, path, target.id);
}

function addDebLine(draft: BomDraft, line: string, where: string, keys: readonly string[], id: string): void {
  const [found] = /\bdeb\s+(?:\[[^\]]*\]\s+)?https?:\/\/[^"'|>]+/.exec(line) ?? [];
  if (found === undefined) return;
  const text = found.trim().replace(/\s+/g, ' ');
  if (isTemplated(text) || text.includes('$')) { draft.unresolved(where, text, 'a repository with a shell expression in it'); return; }
  const host = hostOf(text);
  const near = keys.filter((url) => hostOf(url) === host);
  const name = /sources\.list\.d\/([\w.-]+?)\.list/.exec(line)?.[1] ?? host;
  draft.add('packageRepositories', { id: `${moduleNameOf(name)}-${where.split(':').at(-1)}-${id}`, manager: 'deb', targets: [id], line: text, gpgKeys: (near.length > 0 ? near : keys).map((url) => ({ url })), origin: { where } });
}

function hostOf(text: string): string {
  return /https?:\/\/([^/\s]+)/.exec(text)?.[1] ?? 'repository';
}

/** Bodies of heredocs (`cat <<EOF >/etc/yum.repos.d/x.repo`), by their [id] sections. */
function addRepoFiles(draft: BomDraft, lines: readonly string[], path: string, id: string): void {
  let end: string | undefined;
  let start = 0;
  let body: string[] = [];
  for (const [index, line] of lines.entries()) {
    const open = /<<-?\s*["']?(\w+)["']?/.exec(line)?.[1];
    if (end === undefined) { if (open !== undefined) { end = open; start = index + 1; body = []; } continue; }
    if (line.trim() !== end) { body.push(line.replace(/^\t+/, '').replaceAll('\\$', '$')); continue; }
    end = undefined;
    for (const section of readIni(body.join('\n'))) {
      const fields = repositoryFields(section.values);
      const where = `${path}:${start + section.line}`;
      if (fields === undefined) draft.unresolved(where, `[${section.name}]`, 'a repository without an address');
      else draft.add('packageRepositories', { id: `${section.name}-${id}`, manager: 'rpm', targets: [id], ...fields, origin: { where } });
    }
  }
}

// What a conflict proposes works as it is written: each overlay of its next step, put into the project, settles it.
import { describe, expect, it } from 'vitest';
import type { BundleError } from '../../bom/errors.ts';
import { aggregated, bom, refusal, sha } from './support/documents.ts';

const image = (more: string): string => `images: [{ref: "redis:7", platforms: [linux/amd64]${more}}]`;
const file = (more: string): string => `files: [{urls: ["https://example.org/x.tgz"]${more}}]`;
const set = (version: string): string => `targets: [{id: el9, family: rhel, os: almalinux, release: "9", arch: amd64}]\npackageRepositories: [{id: r, manager: rpm, targets: [el9], baseurl: "https://example.org/r/", gpgcheck: false}]\npackages: [{id: s, manager: rpm, target: el9, include: [{name: jq, version: "${version}"}]}]`;
const more = (version: string): string => set(version).replace('id: s, ', '').replace('include: [', 'include: [{spec: "jq = 0:' + version + '"}, {name: curl, versions: all}, {spec: "tar.x86_64"}, ');
const two = (version: string, isFirst: boolean): string => {
  const [pinned, other] = [set(version).replace('id: s, ', ''), '{manager: rpm, target: el9, include: [{name: zip, version: "1-1"}, {name: zsh}]}'];
  return pinned.replace(/packages: \[(.*)\]$/, (_, own: string) => `packages: [${isFirst ? `${own}, ${other}` : `${other}, ${own}`}]`);
};
const chart = (host: string): string => `charts: [{source: {repo: "https://${host}/charts", name: c, version: "1.0.0"}}]`;
const git = (commit: string): string => `git: [{id: g, url: "https://example.org/g.git", commit: ${commit.repeat(40)}}]`;

/** The overlays in `next`, one by one as a person would take them. */
function proposals({ facts: { next = '' } }: BundleError): string[] {
  return [...next.matchAll(/overlays: (\[\{match: \{[^}]*\}, (?:set: \{(?:[^{}]|\{[^{}]*\})*\}|remove: true)\}\])/g)].map(([, overlays = '']) => overlays);
}

describe('the overlays that a conflict proposes settle it', () => {
  it.each([
    ['one tag, two digests', image(`, digest: "${sha('1')}"`), image(`, digest: "${sha('2')}"`), 2],
    ['the same, inside the reference', `images: [{ref: "redis:7@${sha('1')}"}]`, `images: [{ref: "docker.io/library/redis:7@${sha('2')}"}]`, 2],
    ['two names inside', image(', as: "a/redis:7"'), image(', as: "b/redis:7"'), 2],
    ['two kinds', image(', kind: image'), image(', kind: artifact'), 2],
    ['one file, two digests', file(`, digest: "${sha('1')}"`), file(`, digest: "${sha('2')}"`), 2],
    ['one file, two origins', file(''), 'files: [{urls: ["https://elsewhere.example.org/x.tgz"]}]', 1],
    ['one file with an id, two origins', 'files: [{id: f, urls: ["https://example.org/x.tgz"]}]', 'files: [{id: f, urls: ["https://elsewhere.example.org/x.tgz"]}]', 1],
    ['two modes', file(', mode: "0644"'), file(', mode: "0755"'), 2],
    ['two versions of a package', set('1.6-1'), set('1.7-1'), 2],
    ['two versions of a package, one without its release', set('1.6'), set('1.7-1'), 2],
    ['two versions of a package, in sets without an id that ask for more', more('1.6-1'), more('1.7-1'), 2],
    ['two versions of a package, in the second of two sets without an id', two('1.6-1', false), two('1.7-1', false), 2],
    ['two versions of a package, in the first of two sets without an id', two('1.6-1', true), two('1.7-1', true), 2],
    ['two commits', git('1'), git('2'), 1],
    ['two commits, named by their address', git('1').replace('id: g, ', ''), git('2').replace('id: g, ', ''), 1],
    ['two repositories of one name', git('1'), git('1').replace('example.org', 'example.com'), 1],
    ['two origins of a chart', chart('example.org'), chart('example.com'), 1],
  ])('%s', (_, first, second, count) => {
    const boms = [bom('a', first), bom('b', second)];
    const refused = refusal(() => aggregated(boms));
    expect(refused).toMatchObject({ code: 'RESOLVE_CONFLICT' });
    // Both sides with module, file and line.
    for (const name of ['a', 'b']) expect(refused.facts.actual).toMatch(new RegExp(`module ${name}, ${name}\\.yaml:\\d+:\\d+`));
    const found = proposals(refused);
    expect(found, refused.facts.next).toHaveLength(count);
    for (const overlays of found) expect(aggregated(boms, `overlays: ${overlays}`).warnings.filter((warning) => warning.startsWith('overlay')), overlays).toEqual([]);
  });
});

describe('no conflict', () => {
  it.each([
    ['a version with and without its release', set('1.6'), set('1.6-1')], ['a pattern and what it covers', set('1.6*'), set('1.6-1')], ['with and without an epoch', set('= 0:1.6-1'), set('1.6-1')],
    ['a branch and a commit: which is which is seen when they are resolved', git('1'), 'git: [{id: g, url: "https://example.org/g.git", ref: main}]'], ['two versions of a chart', chart('example.org'), chart('example.org').replace('1.0.0', '2.0.0')],
  ])('%s', (_, first, second) => {
    expect(aggregated([bom('a', first), bom('b', second)]).order).toEqual(['a', 'b']);
  });
});

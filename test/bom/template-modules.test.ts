import { describe, expect, it } from 'vitest';
import { moduleState, stateText } from '../../bom/adapters/e-modules/state-file.ts';
import { parseProject } from '../../bom/documents/document.ts';
import { moduleTemplate, osTarget } from '../../bom/template-modules.ts';
import { refusal } from './support/documents.ts';

describe('a project for descriptors of another system', () => {
  it('names where they are and what of them is wanted', () => {
    const text = moduleTemplate({
      name: 'site', targets: ['ubuntu-20.04/x86_64', 'rhel-8/arm64'], components: ['kafka'],
      modules: [{ adapter: 'epiphany', ref: 'v2.0.13', select: [] }, { adapter: 'e-modules', from: './v1.yaml', select: ['azbi:dev'] }, { adapter: 'zarf', from: 'https://git.example.org/z.git', ref: 'main', select: [] }],
    });
    const { modules, select, targets } = parseProject(text, 'project.yaml').value.spec ?? {};
    expect(modules?.map(({ from, select: words }) => [from, words])).toEqual([
      ['git+https://github.com/hitachienergy/epiphany@v2.0.13#ansible/playbooks/roles/repository/files/download-requirements', ['ubuntu-20.04', 'x86_64', 'rhel-8', 'aarch64']], ['./v1.yaml', ['azbi:dev']], ['git+https://git.example.org/z.git@main', undefined],
    ]);
    expect([select, targets]).toEqual([{ components: ['kafka'] }, undefined]);
    expect(parseProject(moduleTemplate({ name: 'site', targets: ['debian-12'], components: [], modules: [{ adapter: 'hauler', from: 'h.yaml', select: [] }] }), 'p').value.spec?.targets).toEqual([{ id: 'debian-12', family: 'debian', os: 'debian', release: '12', arch: 'amd64' }]);
  });

  it.each(['beos-5', 'ubuntu', 'ubuntu-20.04/pdp11'])('refuses the target %s', (text) => {
    expect(refusal(() => osTarget(text))).toMatchObject({ code: 'INPUT_FLAG' });
  });

  it('refuses a module that nobody can find', () => {
    expect(refusal(() => moduleTemplate({ name: 's', targets: [], components: [], modules: [{ adapter: 'zarf', select: [] }] }))).toMatchObject({ code: 'INPUT_FLAG', facts: { expected: expect.stringContaining('--from') } });
    expect(refusal(() => moduleTemplate({ name: 's', targets: [], components: [], modules: [{ adapter: 'epiphany', select: [] }] }))).toMatchObject({ facts: { expected: expect.stringContaining('--ref') } });
  });
});

describe('the shared state of modules', () => {
  it('keeps what others wrote', () => {
    const text = '# ours\nkind: state\nazbi: {status: applied} # theirs\n';
    const next = stateText(stateText(text, 'longshore', { status: 'planned', sequence: 1 }), 'longshore', { status: 'applied' });
    expect(next).toBe('# ours\nkind: state\nazbi: { status: applied } # theirs\nlongshore:\n  status: applied\n');
    expect(moduleState(next, 'longshore')).toEqual({ status: 'applied' });
    expect([moduleState(next, 'nobody'), moduleState('', 'x')]).toEqual([undefined, undefined]);
  });

  it.each(['- a\n', 'a: [', 'text'])('refuses %j', (text) => {
    expect(refusal(() => stateText(text, 'longshore', { status: 'planned' }))).toMatchObject({ code: 'INPUT_SYNTAX' });
  });
});

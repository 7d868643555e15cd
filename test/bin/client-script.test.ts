import { expect, it } from 'vitest';
import { launcherPath, must, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

it('a script that is printed does what the flags said: a dry run stays one', async () => {
  const cwd = await temporaryFolder('client-script');
  await must('bash', ['-c', 'mkdir src root && echo content > src/a.txt && cat > bom.yaml <<END\napiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: m, version: "1"}\nspec: {targets: [{id: debian-12, family: debian, os: debian, release: \"12\", arch: amd64}], files: [{path: src/a.txt, saveAs: a.txt}]}\nEND\n"$0" prepare -f bom.yaml --store s -o a.tar && "$0" import a.tar --allow-unsigned --store m', launcherPath], { cwd });
  const script = ['client', 'setup', '--store', 'm', '--origin', 'http://repo01:5000', '--insecure-registry', 'repo01:5000'];
  expect(await must(launcherPath, script, { cwd })).toMatch(/^action=setup; target=; only=; exclusive=no; dry=no;/m);
  const printed = await must(launcherPath, [...script, '--dry-run', '--only', 'apt', '--target', 'debian-12'], { cwd });
  expect(printed).toMatch(/^action=setup; target='debian-12'; only=',apt,'; exclusive=no; dry=yes;/m);
  for (const [flags, says] of [[['--target', "d'12"], /a target of what is served: debian-12\n.*d'12/], [['--only', 'apt,aptt'], /parts, with a comma between them: ca, apt.*\n.*aptt/]] as const) {
    const refused = await run(launcherPath, [...script, ...flags], { cwd });
    expect([refused.status, refused.stdout, refused.stderr]).toEqual([2, '', expect.stringMatching(says)]);
  }
  await run('sh', ['-s'], { cwd, input: printed, env: { LONGSHORE_ROOT: `${cwd}/root` } });
  expect(await must('find', ['root', '-mindepth', '1'], { cwd })).toBe('');
});

// The same settings for tools that set up many machines. Ansible "Playbooks"; cloud-init "Modules" (write_files, runcmd). JSON is YAML: what is written here is quoted as JSON where a value stands.
import type { ClientFile } from './client-files.ts';

export interface SetupSource {
  readonly origin: string;
  /** PEM of the authority, when the machine has one of its own. */
  readonly ca: string | undefined;
}

function fetchScript({ origin, ca }: SetupSource, caPath: string): string {
  return `curl -fsS ${ca === undefined ? '' : `--cacert ${caPath} `}${origin}/client/setup.sh -o /run/longshore-setup.sh`;
}

/** A play without roles or collections: the script does the work and says whether it changed anything. `-e action=teardown` undoes it. */
export function ansiblePlay(source: SetupSource): string {
  const caPath = '/run/longshore-ca.pem';
  const ca = source.ca === undefined ? '' : `    - name: authority of the repository machine
      ansible.builtin.copy:
        dest: ${caPath}
        content: ${JSON.stringify(source.ca)}
      changed_when: false
`;
  return `- name: packages, images and files from ${source.origin}
  hosts: all
  become: true
  gather_facts: false
  tasks:
${ca}    - name: fetch the setup script
      ansible.builtin.command:
        cmd: ${JSON.stringify(fetchScript(source, caPath))}
      changed_when: false
    - name: set up, or undo with -e action=teardown
      ansible.builtin.command:
        cmd: "sh /run/longshore-setup.sh {{ action | default('') }}"
      register: longshore
      changed_when: longshore.stdout is search('^(wrote|took|restored) ', multiline=True)
`;
}

/** A #cloud-config fragment. */
export function cloudConfig(source: SetupSource): string {
  const caPath = '/run/longshore-ca.pem';
  const files = source.ca === undefined ? {} : { write_files: [{ path: caPath, content: source.ca }] };
  return `#cloud-config\n${JSON.stringify({ ...files, runcmd: [['sh', '-c', `${fetchScript(source, caPath)} && sh /run/longshore-setup.sh`]] }, null, 2)}\n`;
}

/** One line for each part of each file: what a person reads before running the script. */
export function fileList(files: readonly ClientFile[]): string {
  return files.map((file) => `${file.part}\t${file.path}\n`).join('');
}

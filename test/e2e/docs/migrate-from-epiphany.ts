import type { PageSetting } from '../docs.test.ts';

const files: Readonly<Record<string, string>> = {
  'feature-mappings.yml': 'kind: configuration/feature-mappings\nspecification:\n  mappings: {repository: [image-registry], kafka: [kafka]}\n',
  'repositories/x86_64/debian/debian.yml': "repositories:\n  tools: {content: 'deb https://deb.example.org/debian stable main', key: 'https://deb.example.org/debian/archive.asc'}\n",
  'requirements/x86_64/images.yml': `images:\n  image-registry:\n    'registry.example.org/team/tool:1.0': {sha1: ${'1'.repeat(40)}, allow_mismatch: true}\n  kafka:\n    'quay.io/acme/kafka:2.8.1': {sha1: ${'2'.repeat(40)}}\n`,
  'requirements/x86_64/debian/ubuntu-20.04/packages.yml': 'packages: {from_repo: [greeter], from_url: {}}\n',
};

export const setting: PageSetting = {
  machinesReady: async (machine) => {
    for (const [name, content] of Object.entries(files)) await machine('dl01').write(`download-requirements/${name}`, content);
    await machine('dl01').must('curl -fsS https://downloads.example.org/app-1.10.tgz -o app.tgz && printf "files:\\n  app: {options: [{url: \'https://downloads.example.org/app-1.10.tgz\', sha256: %s}], deps: [kafka]}\\n" "$(sha256sum app.tgz | cut -d\' \' -f1)" > download-requirements/requirements/x86_64/files.yml');
  },
};

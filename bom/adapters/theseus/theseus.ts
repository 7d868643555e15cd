// Theseus: deploy (older: services) of apps with images. Keys that come twice are joined, as its authors meant them.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft } from '../draft.ts';
import { readNodes } from '../trees.ts';

export const theseus: Adapter = {
  name: 'theseus', version: 1,
  summary: 'Theseus deployments: images of deploy and services',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path),
  detect: (files) => files.some(({ text }) => /^["']?(?:deploy|marathon)["']?\s*:/m.test(text) && /\bimage["']?\s*:/.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(theseus, files, options);
  const warnings: string[] = [];
  for (const file of files) {
    const { documents, warnings: lint, broken } = readNodes(file, { duplicates: 'join' });
    warnings.push(...lint.map((text) => text.replace('the last one counts', 'both count')));
    for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
    for (const document of documents) {
      for (const [name, app] of [...document.at('deploy').entries, ...document.at('services').entries]) {
        const ref = app.at('image').text;
        if (ref === undefined) draft.unresolved(app.where, `app ${name}`, 'without an image');
        else if (draft.image(ref, app.where, { id: name }) && /^\d+(?:\.\d+){3}(?::\d+)?\//.test(ref)) warnings.push(`${app.where}: ${ref} comes from a bare address; spec.hostRewrites of the project can name another`);
      }
    }
  }
  return { boms: [draft.build('theseus')], warnings };
}

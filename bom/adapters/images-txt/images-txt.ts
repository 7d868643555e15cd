// One image reference a line, # comments: what many tools write as images.txt.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft } from '../draft.ts';

/** `values`: platforms, separated by commas. */
export const imagesTxt: Adapter = {
  name: 'images-txt', version: 1,
  summary: 'one image reference a line, # comments',
  wants: (path) => /\.txt$/.test(path),
  detect: (files) => files.length > 0 && files.every(({ path }) => /(?:^|\/)[\w.-]*images?[\w.-]*\.txt$/i.test(path)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(imagesTxt, files, options);
  const platforms = (options.values?.['platforms'] ?? '').split(',').map((text) => text.trim()).filter((text) => text !== '');
  for (const { path, text } of files) {
    for (const [index, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
      const ref = line.replace(/(?:^|\s)#.*$/s, '').trim().replace(/^(?:docker:\/\/|oci:\/\/)/, '');
      if (ref !== '') draft.image(ref, `${path}:${index + 1}`, platforms.length === 0 ? {} : { platforms });
    }
  }
  return { boms: [draft.build('images')], warnings: [] };
}

// One image reference a line, # comments: what many tools write as images.txt; with a digest, platforms or the name inside beside it.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, digestText, type Fields } from '../draft.ts';

/** `values`: platforms, separated by commas. */
export const imagesTxt: Adapter = {
  name: 'images-txt', version: 2,
  summary: 'one image reference a line, # comments; a digest, platforms or =name-inside beside it',
  wants: (path) => /\.txt$/.test(path),
  detect: (files) => files.length > 0 && files.every(({ path }) => /(?:^|\/)[\w.-]*(?:images?|mapping)[\w.-]*\.txt$/i.test(path)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(imagesTxt, files, options);
  const platforms = (options.values?.['platforms'] ?? '').split(',').map((text) => text.trim()).filter((text) => text !== '');
  for (const { path, text } of files) {
    for (const [index, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
      const entry = line.replace(/(?:^|\s)#.*$/s, '').trim().replace(/^[-*]\s+/, '').replace(/^(["'])(.*)\1,?$/, '$2');
      if (entry !== '') image(draft, entry, `${path}:${index + 1}`, platforms);
    }
  }
  return { boms: [draft.build('images')], warnings: [] };
}

/** `ref`, `ref digest`, `digest ref`, `ref platform`, and `ref=name` of mirror mappings; any other word beside the reference is unresolved. */
function image(draft: BomDraft, entry: string, where: string, platforms: readonly string[]): void {
  const words = entry.split(/\s+/).map((word) => word.replace(/^(?:docker|oci):\/\//, ''));
  const digests = words.flatMap((word) => (/^sha256:/.test(word) ? digestText(word) ?? [] : []));
  const own = words.flatMap((word) => (/^(?:linux|windows)\/[\w,/-]+$/.test(word) ? word.split(',') : []));
  const rest = words.filter((word) => !/^sha256:[0-9a-f]{64}$/i.test(word) && !own.includes(word.split(',')[0] ?? ''));
  const [named = '', ...others] = rest;
  const [ref = '', as, ...more] = named.split('=');
  if (others.length > 0 || more.length > 0 || digests.length > 1) { draft.unresolved(where, entry, 'more than an image reference in one line'); return; }
  const wanted = own.length > 0 ? own : platforms;
  draft.image(digests[0] === undefined || ref.includes('@') ? ref : `${ref}@${digests[0]}`, where, { ...(wanted.length === 0 ? {} : { platforms: wanted }), ...(as === undefined || as === '' ? {} : { as }) } satisfies Fields);
}

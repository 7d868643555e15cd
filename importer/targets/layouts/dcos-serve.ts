// genconf/serve of a DC/OS installer, without what is a site's own: bootstrap/, packages/, complete.latest.json, as nodes fetch them.
import { BundleError } from '../../../bom/errors.ts';
import type { Lock } from '../../../bom/lock.ts';
import type { Layout } from './layout.ts';

/** The files of an exploded installer, which its BOM calls `dcos/…`. Throws `INPUT_FIELD` when there are none. */
export function dcosServeLayout(lock: Lock): Layout {
  const own = lock.spec.files.filter(({ name }) => name.startsWith('dcos/'));
  if (own.length === 0) {
    throw new BundleError('INPUT_FIELD', {
      subject: lock.metadata.name, expected: 'files of an exploded DC/OS installer (dcos/bootstrap/…, dcos/packages/…)', actual: 'none',
      next: 'Make the BOM with `longshore bom convert --from dcos-installer INSTALLER --explode --out FILE`.',
    });
  }
  return {
    files: own.map((file) => ({ path: file.name.slice('dcos/'.length), content: { mediaType: file.mediaType, digest: file.digest, size: file.size }, mode: file.mode })),
    skipped: [{ what: 'dcos_install.sh', because: 'it holds the configuration of a site: the installer\'s own --genconf writes it' }],
  };
}

import { describe, it } from 'vitest';
import { assemble, forge, resum, withManifest } from './archive-forge.ts';

const { segments, refuses, accepts } = forge();
const versioned = (version: unknown): Buffer => assemble(resum(withManifest(segments(), (manifest) => { manifest['formatVersion'] = version; })));

describe('the format version', () => {
  it.each(['2.0', '99.1', '0.9', '1', '', 'one', '1.0.0', 1, null])('%j is refused', async (version) => refuses(versioned(version), 'INPUT_ARCHIVE_FORMAT'));
  it('a later minor one is read', async () => accepts(versioned('1.7')));
});

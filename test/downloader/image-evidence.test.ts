import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BundleEvent } from '../../bom/events.ts';
import { checkEvidence } from '../../downloader/sources/image-evidence.ts';

const config = digestOf('config');
const mediaType = 'application/vnd.oci.image.manifest.v1+json';
const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 6 }, layers: [] }));
const content = { manifests: [{ mediaType, digest: digestOf(bytes), size: bytes.length, bytes }] };

function check(kind: string, value: string, allowMismatch = false): BundleEvent[] {
  const events: BundleEvent[] = [];
  checkEvidence({ ref: 'docker.io/library/x:1', evidence: [{ kind, value, allowMismatch }] }, content, (event) => events.push(event));
  return events;
}

describe('evidence about an image', () => {
  it('is held against its manifests and configurations', () => {
    expect(check('manifest-digest', digestOf(bytes))).toEqual([]);
    expect(check('config-digest', config.slice(7))).toEqual([]);
    expect(check('crane-tarball-sha1', 'ab')).toEqual([]);
  });

  it('that speaks of another image is refused, or told where the document allows it', () => {
    expect(() => check('manifest-digest', digestOf('other'))).toThrow(BundleError);
    expect(() => check('config-digest', digestOf('other'))).toThrow(/config-digest/);
    expect(check('config-digest', digestOf('other'), true)).toMatchObject([{ kind: 'warning' }]);
  });
});

// Images in every form that crane's legacy tar depends on, made of bytes that do not depend on a compressor: what crane writes of them is recorded in
// crane-sums.json by test/conformance/crane-sums.ts.
import { crc32 } from 'node:zlib';
import { digestOf } from '../../bom/digest.ts';

/** The registry that the recorder fills: the name is part of what crane writes. */
export const craneRegistry = '127.0.0.1:38911';

export interface Blob { readonly mediaType: string; readonly digest: ReturnType<typeof digestOf>; readonly size: number; readonly bytes: Buffer }
export interface CraneImage { readonly name: string; readonly reference: string; readonly manifest: Blob; readonly config: Blob; readonly layers: readonly Blob[] }

const oci = { manifest: 'application/vnd.oci.image.manifest.v1+json', config: 'application/vnd.oci.image.config.v1+json', layer: 'application/vnd.oci.image.layer.v1.tar+gzip' };
const docker = { manifest: 'application/vnd.docker.distribution.manifest.v2+json', config: 'application/vnd.docker.container.image.v1+json', layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip' };

const blobOf = (bytes: Buffer, mediaType: string): Blob => ({ mediaType, digest: digestOf(bytes), size: bytes.length, bytes });
const u32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value >>> 0); return bytes; };

/** A gzip member of stored blocks. */
function stored(content: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < content.length; at += 65_535) {
    const part = content.subarray(at, at + 65_535);
    const head = Buffer.from([at + 65_535 >= content.length ? 1 : 0, 0, 0, 0, 0]);
    head.writeUInt16LE(part.length, 1);
    head.writeUInt16LE(~part.length & 0xffff, 3);
    blocks.push(head, part);
  }
  return Buffer.concat([Buffer.from('1f8b08000000000000ff', 'hex'), ...blocks, u32(crc32(content)), u32(content.length)]);
}

/** More than a decoder gives at once. */
const long = Buffer.alloc(3 << 20, 'a line of a layer that is long\n');

/** A zstd frame of one raw block (RFC 8878). */
const zstd = (content: Buffer): Buffer => Buffer.concat([Buffer.from('28b52ffd20', 'hex'), Buffer.from([content.length, 1 | (content.length << 3) & 0xff, content.length >> 5, 0]), content]);

const diff = '0'.repeat(64);
const basic = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [`sha256:${diff}`] } };
const tar = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc(1024)]);
const [one, two, three] = ['one', 'two', 'three'].map((text) => stored(tar(text))) as [Buffer, Buffer, Buffer];
const step = (by: string, more: object = {}): object => ({ created: '2021-02-03T04:05:06.7Z', created_by: by, ...more });

const everything = {
  ...basic, author: 'A <a@example.org>', container: 'c'.repeat(64), created: '2021-02-03T04:05:06.123456789Z', docker_version: '19.03.12', 'os.version': '10.0', 'os.features': ['win32k'], variant: 'v8', unknown: { deep: [1, 2] },
  config: {
    Unknown: 1, AttachStderr: true, AttachStdin: true, AttachStdout: true, Cmd: ['sh', '-c', 'echo "a" && b > /dev/null'], Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000, Timeout: 3, StartPeriod: 5, StartInterval: 7, Retries: 4 },
    Domainname: 'example.org', Entrypoint: ['/entry'], Env: ['PATH=/bin', 'X=<&>\u2028\u2029'], Hostname: 'host', Image: 'sha256:1', Labels: { b: '1', a: '2', 10: 'x', 9: 'y', é: 'z', '\uffff': '1', '\u{1f600}': '2', 'Z"\\/': '' },
    OnBuild: ['RUN x'], OpenStdin: true, StdinOnce: true, Tty: true, User: '1000:1000', Volumes: { '/var': {}, '/a': {} }, WorkingDir: '/w', ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
    ArgsEscaped: true, NetworkDisabled: true, MacAddress: '00:00', StopSignal: 'SIGTERM', Shell: ['/bin/sh'],
  },
};

interface Recipe {
  readonly name: string; readonly config: object | string; readonly layers: readonly Buffer[];
  readonly types?: Partial<typeof oci>;
  /** As the reference ends: by default `:1.0`. */
  readonly tag?: string;
}

const recipes: readonly Recipe[] = [
  { name: 'single', config: { ...basic, history: [step('x')] }, layers: [one] },
  { name: 'docker', config: { ...basic, history: [step('x'), step('y')] }, layers: [one, two], types: docker },
  { name: 'no-history', config: basic, layers: [one, two, one] },
  { name: 'empty-history', config: { ...basic, history: [] }, layers: [one] },
  { name: 'null-history', config: { ...basic, history: null, config: null, created: null }, layers: [one] },
  { name: 'empty-layers', config: { ...basic, history: [step('ENV a', { empty_layer: true }), step('ADD'), step('CMD', { empty_layer: true }), step('RUN'), step('x', { empty_layer: true })] }, layers: [one, two] },
  { name: 'same-layer-twice', config: { ...basic, history: [step('a'), step('b'), step('c'), step('d')] }, layers: [one, one, two, one] },
  { name: 'history-fields', config: { ...basic, created: '2020-01-01T00:00:00Z', history: [{ created: '2021-01-01T01:02:03.100+02:00', author: 'me & <you>', comment: 'a\tb\nc\u0001\u007f"\\', created_by: '/bin/sh -c #(nop) <CMD> & "x"' }, {}, { author: 'top', comment: 'last' }] }, layers: [one, two, three] },
  { name: 'everything', config: { ...everything, history: [step('x')] }, layers: [one], types: docker },
  { name: 'empty-values', config: { ...basic, author: '', container: '', docker_version: '', config: { Cmd: [], Env: null, Labels: {}, Volumes: {}, ExposedPorts: null, Healthcheck: {}, Entrypoint: [''], Tty: false, User: '', Shell: [null] } }, layers: [one] },
  { name: 'bare', config: {}, layers: [one] },
  { name: 'other-case', config: { Architecture: 'arm64', OS: 'linux', Config: { cmd: ['a'], LABELS: { A: 'b', n: null }, volumes: { '/v': null } }, History: [{ Created_By: 'X', EMPTY_LAYER: false }] }, layers: [one] },
  { name: 'times', config: { ...basic, created: '2021-02-03T04:05:06.120000000-00:00', history: [step('a', { created: '2021-02-03T04:05:06.000000000Z' }), step('b', { created: '2021-02-03T04:05:06+05:30' }), step('c')] }, layers: [one, two, three] },
  { name: 'escapes', config: { ...basic, history: [step('\b\f\u0000\u001f é \u{1f600} \ufffd')] }, layers: [one] },
  { name: 'lone-surrogate', config: `{"architecture":"amd64","os":"linux","history":[{"created_by":"a\\ud800b\\u003c"}]}\n`, layers: [one] },
  { name: 'spaces', config: `\n{ "architecture" : "amd64",\r\n\t"os":"linux", "config":{"Healthcheck":{"Interval":-0,"Retries":-3}} }\n\n`, layers: [two] },
  { name: 'members', config: basic, layers: [Buffer.concat([stored(tar('first')), stored(tar('second')), stored(Buffer.alloc(0))]), three] },
  { name: 'empty-layer-blob', config: basic, layers: [stored(Buffer.alloc(0))] },
  { name: 'block-sized', config: basic, layers: [stored(Buffer.alloc(1024, 1)), stored(Buffer.alloc(511, 2))] },
  { name: 'long', config: { ...basic, history: [step('x'), step('y')] }, layers: [stored(long), one] },
  { name: 'many', config: basic, layers: Array.from({ length: 24 }, (_, at) => stored(tar(`layer ${at}`))) },
  { name: 'plain', config: basic, layers: [tar('plain'), one], types: { layer: 'application/vnd.oci.image.layer.v1.tar' } },
  { name: 'zstd', config: basic, layers: [zstd(Buffer.from('z'.repeat(100))), one], types: { layer: 'application/vnd.oci.image.layer.v1.tar+zstd' } },
  { name: 'called-plain', config: basic, layers: [one], types: { layer: 'application/vnd.oci.image.layer.v1.tar' } },
  { name: 'no-tag', config: basic, layers: [one], tag: '' },
  { name: 'digest', config: basic, layers: [one], tag: '@' },
  { name: 'tag-digest', config: basic, layers: [one], tag: ':2.0@' },
  { name: 'wrong-history', config: { ...basic, history: [step('x'), step('y')] }, layers: [one] },
  { name: 'no-layers', config: basic, layers: [] },
  { name: 'wrong-type', config: { ...basic, config: { Cmd: 'sh' } }, layers: [one] },
  { name: 'wrong-time', config: { ...basic, created: '2021-02-30T00:00:00Z' }, layers: [one] },
  { name: 'damaged', config: basic, layers: [Buffer.concat([one.subarray(0, -4), u32(7)])] },
];

export const craneImages: readonly CraneImage[] = recipes.map(({ name, config: document, layers: contents, types, tag = ':1.0' }) => {
  const type = { ...oci, ...types };
  const config = blobOf(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), type.config);
  const layers = contents.map((bytes) => blobOf(bytes, type.layer));
  const described = ({ mediaType, digest, size }: Blob): object => ({ mediaType, size, digest });
  const manifest = blobOf(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type.manifest, config: described(config), layers: layers.map(described) })), type.manifest);
  return { name, config, layers, manifest, reference: `${craneRegistry}/team/${name}${tag.endsWith('@') ? `${tag}${manifest.digest}` : tag}` };
});

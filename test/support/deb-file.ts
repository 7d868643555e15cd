import { zstdCompressSync } from 'node:zlib';
import { encodeEntry, paddedSize } from '../../formats/archive/tar-header.ts';
import { gzip, xzCompress } from '../../formats/compression.ts';

/** A tar of regular files. */
export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    return Buffer.concat([encodeEntry({ path, type: 'File', size: content.length, mode: 0o644 }, 0), content, Buffer.alloc(paddedSize(content.length) - content.length)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** One member of an ar, with its padding. `size` may lie. */
export function arMember(name: string, content: Uint8Array, size = content.length): Buffer {
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(size).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(header), content, Buffer.from(content.length % 2 === 0 ? '' : '\n')]);
}

export const compressors: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  '': (bytes) => bytes, '.gz': gzip, '.xz': xzCompress, '.zst': (bytes) => zstdCompressSync(bytes),
};

export interface DebOptions {
  readonly extension?: string;
  readonly control?: string;
  readonly controlFiles?: Readonly<Record<string, string>>;
  /** Members behind control. */
  readonly members?: readonly Buffer[];
}

/** A .deb with `fields` as its control. */
export function debFile(fields: Readonly<Record<string, string>>, options: DebOptions = {}): Buffer {
  const { extension = '.gz', control = `${Object.entries(fields).map(([name, value]) => `${name}: ${value}`).join('\n')}\n` } = options;
  const compress = compressors[extension] ?? ((bytes: Uint8Array) => bytes);
  return Buffer.concat([
    Buffer.from('!<arch>\n'), arMember('debian-binary', Buffer.from('2.0\n')),
    arMember(`control.tar${extension}`, compress(tarOf({ './control': control, ...options.controlFiles }))),
    ...(options.members ?? [arMember('data.tar.xz', Buffer.from('content of data'))]),
  ]);
}

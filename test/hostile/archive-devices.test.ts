import { describe, it } from 'vitest';
import { assemble, forge, insertBefore, raw } from './archive-forge.ts';

const { segments, refuses } = forge();

describe('members that are no files', () => {
  it.each(['CharacterDevice', 'BlockDevice', 'FIFO', 'Directory', 'ContiguousFile', 'NextFileHasLongPath', 'NextFileHasLongLinkpath', 'OldGnuLongPath', 'TapeVolumeHeader', 'Link'] as const)('%s', async (type) => {
    const evil = raw({ path: 'files/evil', type, devmaj: 1, devmin: 3 });
    await refuses(assemble(insertBefore(segments(), 'SHA256SUMS', evil)), 'INTEGRITY_ARCHIVE');
    await refuses(assemble([evil, ...segments()]), 'INPUT_ARCHIVE_FORMAT');
  });
  it.each([{ uid: 1000 }, { gid: 5 }, { uname: 'root' }, { mode: 0o4755 }, { mode: 0o777 }, { mtime: new Date(1000) }])('a header with %o', async (fields) =>
    refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: 'files/evil', type: 'File', ...fields }))), 'INTEGRITY_ARCHIVE'));
});

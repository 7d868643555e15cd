import { expect, it } from 'vitest';
import { documentText } from '../../bom/documents/utf8.ts';
import { refusal } from './support/documents.ts';

it('text in UTF-8 is taken as it is, a byte order mark aside', () => {
  expect(documentText(Buffer.from('\uFEFFa: ä \uFFFD\r\n'), 'f')).toBe('a: ä \uFFFD\r\n');
});

it.each([['Latin-1', [0x61, 0x0a, 0x62, 0xe4, 0x0a], 'f:2:2'], ['UTF-16', [0xff, 0xfe, 0x61, 0], 'f:1:1'], ['half a character', [0x61, 0xc3], 'f:1:2'], ['half a surrogate pair', [0xed, 0xa0, 0x80], 'f:1:1']])('%s is refused where it stands', (_, bytes, subject) => {
  expect(refusal(() => documentText(Uint8Array.from(bytes), 'f'))).toMatchObject({ code: 'INPUT_SYNTAX', facts: { subject } });
});

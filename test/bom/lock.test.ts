import { describe, expect, it } from 'vitest';
import { lockBytes, parseLock } from '../../bom/lock.ts';
import { lockOfEveryKind } from './support/locks.ts';

const text = (labels: string): string => JSON.stringify(lockOfEveryKind()).replace('"labels":{}', `"labels":${labels}`);

describe('a lock', () => {
  it.each([['a plain label', '{"a":"b"}'], ['a label called __proto__', '{"__proto__":"b","a":"c"}'], ['one that is written with escapes', '{"\\u005f_proto__":"b"}']])('keeps %s, byte for byte', (_, labels) => {
    const lock = parseLock(text(labels), 'lock');
    const kept: unknown = JSON.parse(new TextDecoder().decode(lockBytes(lock)));
    expect(JSON.stringify(kept)).toContain(JSON.stringify(JSON.parse(labels)));
    expect(lockBytes(parseLock(new TextDecoder().decode(lockBytes(lock)), 'lock'))).toEqual(lockBytes(lock));
    expect(Object.getPrototypeOf(lock.spec.boms[0]?.labels)).toBe(Object.prototype);
  });

  it.each([['no JSON', '{', 'INPUT_SYNTAX'], ['another document', '{"kind":"Lock"}', 'INPUT_FIELD'], ['a key that nobody knows', text('{}').replace('"spec":{', '"spec":{"__proto__":1,'), 'INPUT_FIELD']])('is refused: %s', (_, written, code) => {
    expect(() => parseLock(written, 'lock')).toThrow(expect.objectContaining({ code }) as Error);
  });
});

import { expect, it } from 'vitest';
import { updateOf } from '../../bin/commands/lock.ts';

it.each([
  [{}, []], [{ update: true }, 'all'], [{ update: ['a'] }, ['a']], [{ update: true, image: ['redis:7', 'quay.io/a/b:1'] }, ['docker.io/library/redis:7', 'quay.io/a/b:1']], [{ update: ['a'], image: ['quay.io/b:2'] }, ['a', 'quay.io/b:2']],
] as const)('%j looks again at %j', (flags, expected) => {
  expect(updateOf(flags)).toEqual(expected);
});

it('an image without --update is refused', () => {
  expect(() => updateOf({ image: ['a'] })).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }) as Error);
  expect(() => updateOf({ update: true, image: ['A B'] })).toThrow(expect.objectContaining({ code: 'INPUT_REFERENCE' }) as Error);
});

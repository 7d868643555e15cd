import { expect, it } from 'vitest';
import { updateOf } from '../../bin/commands/lock.ts';

it.each([
  [{}, []], [{ update: true }, 'all'], [{ update: ['a'] }, ['a']], [{ update: true, image: ['redis:7', 'b'] }, ['redis:7', 'b']], [{ update: ['a'], image: ['b'] }, ['a', 'b']],
] as const)('%j looks again at %j', (flags, expected) => {
  expect(updateOf(flags)).toEqual(expected);
});

it('an image without --update is refused', () => {
  expect(() => updateOf({ image: ['a'] })).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }) as Error);
});

import { expect, it } from 'vitest';
import { parseListen } from '../../bin/listen-flags.ts';

it.each([
  ['127.0.0.1:5000', '127.0.0.1', 5000], [':8080', '127.0.0.1', 8080], ['repo01', 'repo01', 5000], ['[::1]:5001', '[::1]', 5001], ['0.0.0.0:0', '0.0.0.0', 0],
])('--listen %s', (text, host, port) => {
  expect(parseListen(text)).toEqual({ host, port });
});

it.each(['::1:5000', '127.0.0.1:70000', 'a:b', '[::1', 'host:'])('--listen %s is refused', (text) => {
  expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }));
});

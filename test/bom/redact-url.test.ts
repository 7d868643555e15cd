import { expect, it } from 'vitest';
import { redactUrl } from '../../bom/errors.ts';

it.each([
  ['https://user:s3cret@example.org/a', 'https://example.org/a'],
  ['https://example.org/a?token=s3cret&arch=x86_64#s3cret', 'https://example.org/a?token=REDACTED&arch=REDACTED'],
  ['https://example.org/a/?s3cret', 'https://example.org/a/?REDACTED'],
  ['https://example.org/a/?s3cret==', 'https://example.org/a/?REDACTED'],
  ['https://example.org/a?=s3cret&s3cret', 'https://example.org/a?REDACTED'],
  ['https://example.org/a', 'https://example.org/a'],
  ['no address', 'no address'],
])('%s is told as %s', (url, told) => { expect(redactUrl(url)).toBe(told); });

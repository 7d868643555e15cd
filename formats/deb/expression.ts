// Extended regular expressions, as apt takes them over names, versions and releases (apt-get(8), apt_preferences(5)).
import { BundleError } from '../../bom/errors.ts';

const maxLength = 200;
/** Each multiplies what a text may take by its length. */
const maxRepetitions = 4;
const repetition = /[*+]|\{\d+,/g;
/** A repeated group that has a choice or a repetition itself may take time that doubles with each letter. */
const repeatedChoice = /\((?:\?:)?(?![^()*+?{|]*\))[^]*\)[*+{]/;

/**
 * The expression, which may match anywhere, in any case. Documents come from others, and the engine tries every way that a text could match: what could take
 * for ever is refused. Throws `INPUT_FIELD` for that, and for what is no expression.
 */
export function expressionOf(pattern: string): RegExp {
  const refuse = (expected: string, actual: string, cause?: unknown): never => {
    throw new BundleError('INPUT_FIELD', { subject: `expression ${JSON.stringify(pattern.slice(0, maxLength))}`, expected, actual }, { cause });
  };
  if (pattern.length > maxLength) refuse(`at most ${maxLength} characters`, `${pattern.length}`);
  const bare = pattern.replace(/\\[^1-9]/g, '').replace(/\[\^?\]?[^\]]*\]/g, 'x');
  const repeated = bare.match(repetition)?.length ?? 0;
  if (repeated > maxRepetitions || repeatedChoice.test(bare) || /\\[1-9]/.test(bare)) {
    refuse(`at most ${maxRepetitions} repetitions, no repeated group with a choice or repetition in it, no reference back`, 'one that could take too long');
  }
  try {
    return new RegExp(pattern, 'i');
  } catch (cause) {
    return refuse('an extended regular expression', (cause as Error).message, cause);
  }
}

/** `/an expression/`, without its slashes; undefined for other text. */
export function writtenExpression(text: string): string | undefined {
  return text.length > 2 && text.startsWith('/') && text.endsWith('/') ? text.slice(1, -1) : undefined;
}

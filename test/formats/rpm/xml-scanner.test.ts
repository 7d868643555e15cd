import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import { incomplete } from '../../../formats/rpm/xml-cursor.ts';
import { XmlScanner } from '../../../formats/rpm/xml-scanner.ts';
import { runs } from '../../support/runs.ts';

type Event = readonly [string, ...unknown[]];

function ours(text: string): Event[] {
  const bytes = Buffer.from(text);
  const scanner = new XmlScanner('test');
  scanner.window(bytes, 0, bytes.length);
  const events: Event[] = [];
  for (let token = scanner.next(); token !== 'end'; token = scanner.next()) {
    const last = events.at(-1);
    if (token === 'open') events.push(['open', scanner.name, scanner.allAttributes()]);
    else if (token === 'close') events.push(['close', scanner.name]);
    else if (last?.[0] === 'text') events[events.length - 1] = ['text', `${String(last[1])}${scanner.value()}`];
    else events.push(['text', scanner.value()]);
  }
  if (scanner.depth > 0) throw incomplete;
  return events.filter(([kind, value]) => kind !== 'text' || value !== '');
}

/** An independent parser; a document type ends it too, since it expands no entities of documents anyway. */
function saxes(text: string): Event[] {
  const parser = new SaxesParser({ xmlns: false });
  const events: Event[] = [];
  const add = (value: string): void => {
    const last = events.at(-1);
    if (last?.[0] === 'text') events[events.length - 1] = ['text', `${String(last[1])}${value}`];
    else if (value !== '') events.push(['text', value]);
  };
  let depth = 0;
  parser.on('error', (error) => { throw error; });
  parser.on('doctype', () => { throw new Error('doctype'); });
  parser.on('opentag', ({ name, attributes }) => { depth += 1; events.push(['open', name, { ...attributes }]); });
  parser.on('closetag', ({ name }) => { depth -= 1; events.push(['close', name]); });
  parser.on('text', (value) => { if (depth > 0) add(value); });
  parser.on('cdata', add);
  parser.write(text).close();
  return events;
}

function outcome(read: (text: string) => Event[], text: string): Event[] | 'refused' {
  try {
    return read(text);
  } catch (error) {
    if (error === incomplete || error instanceof BundleError || (read === saxes && error instanceof Error)) return 'refused';
    throw error;
  }
}

describe('XmlScanner', () => {
  it.each([
    ['<a/>', [['open', 'a', {}], ['close', 'a']]],
    ['<a b="1" c=\'2"\'><b/>x &lt;&#65;&#x42; é</a>', [['open', 'a', { b: '1', c: '2"' }], ['open', 'b', {}], ['close', 'b'], ['text', 'x <AB é'], ['close', 'a']]],
    ['<a><![CDATA[<&]]]]>x<!-- y --></a>', [['open', 'a', {}], ['text', '<&]]x'], ['close', 'a']]],
    ['<rpm:a x="a\tb\nc&#10;"/>', [['open', 'rpm:a', { x: 'a b c\n' }], ['close', 'rpm:a']]],
    ['<a>x\r\ny\rz</a>', [['open', 'a', {}], ['text', 'x\ny\nz'], ['close', 'a']]],
    ['<a>></a >', [['open', 'a', {}], ['text', '>'], ['close', 'a']]],
  ])('reads %s', (text, events) => {
    expect(ours(text)).toEqual(events);
    expect(saxes(text)).toEqual(events);
  });

  it.each([
    ['entities of the document', '<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;</a>'],
    ['an external entity', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an unknown entity', '<a>&b;</a>'],
    ['an unknown entity in an attribute', '<a b="&c;"/>'],
    ['a reference to no character', '<a>&#0;</a>'],
    ['a surrogate', '<a>&#xd800;</a>'],
    ['wrong nesting', '<a><b></a></b>'],
    ['a closing tag too many', '<a/></b>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['attributes without space', '<a b="1"c="2"/>'],
    ['< in an attribute', '<a b="<"/>'],
    ['a control character', '<a>\u0001</a>'],
    ['a control character in an attribute', '<a b="\u0001"/>'],
    ['-- in a comment', '<a><!-- -- --></a>'],
    [']]> in text', '<a>]]></a>'],
    ['a name that begins with a digit', '<1a/>'],
    ['another encoding', '<?xml version="1.0" encoding="UTF-16"?><a/>'],
    ['an XML declaration that comes late', '<a><?xml version="1.0"?></a>'],
    ['deep nesting', '<a>'.repeat(40)],
    ['many attributes', `<a ${Array.from({ length: 70 }, (_, index) => `b${index}="1"`).join(' ')}/>`],
    ['a huge attribute', `<a b="${'x'.repeat(70_000)}"/>`],
    ['a huge attribute without end', `<a b="${'x'.repeat(70_000)}`],
    ['a huge name', `<${'a'.repeat(300)}/>`],
  ])('refuses %s', (_, text) => {
    expect(() => ours(text)).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error);
  });

  it.each(['<a', '<a b', '<a b="', '<a>text', '<!-', '<a><![CDA', '<a><!-- x', '<a/', '</', '<?xml', '<'])('asks for more after %s', (text) => {
    expect(() => ours(text)).toThrow(incomplete);
  });

  it('agrees with an independent parser on what is well formed, and what it says', () => {
    const piece = fc.constantFrom('<a>', '</a>', '<b c="1"/>', '<b', ' c="1"', " d='&amp;'", '>', '/>', 'text', '&lt;', '&#65;', '&bad;', '<!-- x -->', '<![CDATA[ y ]]>', ']]>', '\n', '\r\n', '\t', '"', '=', 'é', '&', '<', '<!DOCTYPE a>', '-->', '\u0002', ']');
    fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = `<r>${pieces.join('')}</r>`;
      expect(outcome(ours, text)).toEqual(outcome(saxes, text));
    }), { numRuns: runs(3000) });
  });
});

import { describe, expect, it } from 'vitest';
import { parseComps } from '../../../formats/rpm/comps.ts';

const group = `<group>
    <id>tools</id>
    <name>Tools</name>
    <name xml:lang="de">Werkzeuge</name>
    <description>Some &amp; more</description>
    <default>true</default>
    <uservisible>false</uservisible>
    <packagelist>
      <packagereq type="mandatory">a</packagereq>
      <packagereq type="default">b</packagereq>
      <packagereq type="optional" arch="x86_64">c</packagereq>
      <packagereq type="conditional" requires="b">d</packagereq>
      <packagereq basearchonly="true">e</packagereq>
    </packagelist>
  </group>`;
const environment = `<environment>
    <id>server</id>
    <name>Server</name>
    <grouplist><groupid>tools</groupid></grouplist>
    <optionlist><groupid default="true">more</groupid><groupid>other</groupid></optionlist>
  </environment>`;
const langpacks = '<langpacks><match name="x" install="x-%s"/></langpacks>';
const head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE comps PUBLIC "-//Example//DTD Comps info//EN" "comps.dtd">\n';
const document = `${head}<comps>\n  ${group}\n  ${environment}\n  ${langpacks}\n</comps>\n`;

describe('parseComps', () => {
  it('reads groups and environments', () => {
    expect(parseComps(Buffer.from(document), 'comps.xml')).toEqual({
      groups: [{
        id: 'tools', name: 'Tools', description: 'Some & more', isDefault: true, isVisible: false, text: group,
        packages: [{ name: 'a', type: 'mandatory' }, { name: 'b', type: 'default' }, { name: 'c', type: 'optional', arch: 'x86_64' }, { name: 'd', type: 'conditional', requires: 'b' }, { name: 'e', type: 'mandatory', basearchonly: true }],
      }],
      environments: [{ id: 'server', name: 'Server', groups: ['tools'], options: [{ id: 'more', isDefault: true }, { id: 'other', isDefault: false }], text: environment }],
      others: [{ element: 'langpacks', text: langpacks }],
    });
  });

  it.each([
    ['entities of its own', document.replace('"comps.dtd">', '"comps.dtd" [<!ENTITY a "b">]>')],
    ['an unknown entity', document.replace('&amp;', '&a;')],
    ['a late document type', document.replace('<comps>', '<comps><!DOCTYPE comps>')],
    ['deep nesting', document.replace('<id>', `${'<x>'.repeat(40)}<id>`)],
    ['an end in the middle', document.slice(0, 400)],
  ])('refuses %s', (_, text) => {
    expect(() => parseComps(Buffer.from(text), 'comps.xml')).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error);
  });
});

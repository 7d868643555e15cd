// comps.xml: package groups and environments of a yum repository; the comps document type of Fedora ("Comps info"), libcomps.
import { childText, parseXml, type XmlElement } from './xml-tree.ts';

export interface CompsPackage {
  readonly name: string;
  /** `conditional` ones are wanted when `requires` is installed. */
  readonly type: 'mandatory' | 'default' | 'optional' | 'conditional';
  readonly requires?: string;
  readonly arch?: string;
  readonly basearchonly?: boolean;
}

export interface CompsGroup {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly isDefault: boolean;
  readonly isVisible: boolean;
  readonly langonly?: string;
  readonly packages: readonly CompsPackage[];
  /** The element, verbatim. */
  readonly text: string;
}

export interface CompsEnvironment {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly groups: readonly string[];
  readonly options: readonly { readonly id: string; readonly isDefault: boolean }[];
  readonly text: string;
}

export interface Comps {
  readonly groups: readonly CompsGroup[];
  readonly environments: readonly CompsEnvironment[];
  /** Categories, language packs and whatever else stands there, verbatim. */
  readonly others: readonly { readonly element: string; readonly id?: string; readonly text: string }[];
}

const maxCompsBytes = 64 << 20;

const children = (element: XmlElement, list: string, item: string): readonly XmlElement[] =>
  element.children.filter(({ name }) => name === list).flatMap((each) => each.children.filter(({ name }) => name === item));

/** Translations of names stand beside them, with xml:lang. */
function plainText(element: XmlElement, name: string): string | undefined {
  const text = element.children.find((child) => child.name === name && child.attributes['xml:lang'] === undefined)?.text.trim();
  return text === '' ? undefined : text;
}

function packageOf({ text, attributes }: XmlElement): CompsPackage {
  const { requires, arch, type } = attributes;
  return {
    name: text.trim(),
    type: type === 'default' || type === 'optional' || type === 'conditional' ? type : 'mandatory',
    ...(requires === undefined ? {} : { requires }),
    ...(arch === undefined ? {} : { arch }),
    ...(attributes.basearchonly === 'true' ? { basearchonly: true } : {}),
  };
}

function isTrue(element: XmlElement, name: string, otherwise: boolean): boolean {
  const text = childText(element, name);
  return text === undefined ? otherwise : text.toLowerCase() === 'true';
}

function groupOf(element: XmlElement, id: string, text: string): CompsGroup {
  const [description, langonly] = [plainText(element, 'description'), childText(element, 'langonly')];
  return {
    id, name: plainText(element, 'name') ?? id, ...(description === undefined ? {} : { description }), ...(langonly === undefined ? {} : { langonly }),
    isDefault: isTrue(element, 'default', false), isVisible: isTrue(element, 'uservisible', true),
    packages: children(element, 'packagelist', 'packagereq').map(packageOf).filter(({ name }) => name !== ''), text,
  };
}

function environmentOf(element: XmlElement, id: string, text: string): CompsEnvironment {
  const description = plainText(element, 'description');
  return {
    id, name: plainText(element, 'name') ?? id, ...(description === undefined ? {} : { description }),
    groups: children(element, 'grouplist', 'groupid').map((group) => group.text.trim()),
    options: children(element, 'optionlist', 'groupid').map((group) => ({ id: group.text.trim(), isDefault: group.attributes.default === 'true' })), text,
  };
}

/** A decompressed comps.xml. Its document type is passed over when it declares nothing itself. Throws `INTEGRITY_METADATA` for what is not well formed. */
export function parseComps(bytes: Uint8Array, subject: string): Comps {
  const root = parseXml(bytes, { subject, root: 'comps', maxBytes: maxCompsBytes, doctype: 'ignored' });
  const groups: CompsGroup[] = [];
  const environments: CompsEnvironment[] = [];
  const others: { element: string; id?: string; text: string }[] = [];
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const element of root.children) {
    const text = source.toString('utf8', element.start, element.end);
    const id = childText(element, 'id');
    if (element.name === 'group' && id !== undefined) groups.push(groupOf(element, id, text));
    else if (element.name === 'environment' && id !== undefined) environments.push(environmentOf(element, id, text));
    else others.push({ element: element.name, ...(id === undefined ? {} : { id }), text });
  }
  return { groups, environments, others };
}

// 500 BOMs of 12 KB become one aggregate: from YAML text, and from there on. Beside it, what Node needs to hash and JSON-parse the same text.
import { createHash } from 'node:crypto';
import { aggregate, defaultProject } from '../../bom/aggregate.ts';
import { parseModuleBom, type ParsedBom } from '../../bom/documents/document.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A module with images that others share, files of its own, relations and labels; some 12 KB. */
export function sampleBom(index: number): string {
  const images = Array.from({ length: 24 }, (_, item) => `    - {id: i${item}, ref: "registry${item % 5}.example.org/team${(index + item) % 40}/app${item}:1.${item}", platforms: [linux/amd64, linux/arm64], when: {features: [f${item % 7}]}}`);
  const files = Array.from({ length: 36 }, (_, item) => `    - {id: f${item}, urls: ["https://downloads.example.org/m${index}/f${item}.tgz", "https://mirror.example.org/m${index}/f${item}.tgz"], digest: "sha256:${hex(`${index} ${item}`)}", saveAs: m${index}/f${item}.tgz}`);
  return `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: m${index}, version: "1.${index}.0", labels: {short: m${index}, kind: k${index % 20}}}
spec:
  requires:
    strong: ${index === 0 ? '[]' : `[[{key: short, operator: eq, values: [m${Math.floor(index / 2)}]}]]`}
    weak: [[{key: kind, operator: eq, values: [k${(index + 3) % 20}]}, {key: version, operator: ">=", values: ["9"]}]]
  images:
${images.join('\n')}
  files:
${files.join('\n')}
`;
}

export async function bench(_folder: string, rounds: number): Promise<void> {
  const count = 500;
  const texts = Array.from({ length: count }, (_, index) => sampleBom(index));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
  const times: Record<'parse' | 'json' | 'aggregate' | 'floor', number[]> = { parse: [], json: [], aggregate: [], floor: [] };
  for (let round = 0; round < rounds; round += 1) {
    let started = performance.now();
    const boms: ParsedBom[] = texts.map((text, index) => parseModuleBom(text, `m${index}.yaml`));
    times.parse.push(performance.now() - started);
    started = performance.now();
    const { images, files, order } = aggregate({ boms, project: defaultProject(boms, 'bench') });
    times.aggregate.push(performance.now() - started);
    if (order.length !== count || files.length !== count * 36 || images.length === 0) throw new Error('the aggregate is not whole');
    const plain = boms.map((bom) => new TextDecoder().decode(bom.canonical));
    started = performance.now();
    for (const [index, text] of plain.entries()) parseModuleBom(text, `m${index}.json`);
    times.json.push(performance.now() - started);
    started = performance.now();
    for (const text of plain) { hex(text); JSON.parse(text); }
    times.floor.push(performance.now() - started);
    await new Promise((done) => { setImmediate(done); });
  }
  console.log(`${count} BOMs, ${Math.round(bytes / count)} bytes each, medians of ${rounds}`);
  console.log(`  YAML to checked documents  ${median(times.parse).toFixed(0)} ms`);
  console.log(`  the same from JSON         ${median(times.json).toFixed(0)} ms`);
  console.log(`  documents to one aggregate ${median(times.aggregate).toFixed(0)} ms`);
  console.log(`  together                   ${(median(times.parse) + median(times.aggregate)).toFixed(0)} ms (goal: 4000)`);
  console.log(`  JSON.parse and SHA-256     ${median(times.floor).toFixed(0)} ms`);
}

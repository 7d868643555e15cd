import { expect, it } from 'vitest';
import { parseDocuments } from '../../bom/documents/document.ts';
import { candidatesOf, offersOf, searchOffers } from '../../bom/offers.ts';
import { bom, refusal } from './support/documents.ts';
import { relate } from '../../bom/relations.ts';

const { repositories } = parseDocuments(`apiVersion: longshore.dev/v1alpha1
kind: ModuleRepository
metadata: {name: acme}
spec:
  modules:
    - {name: kafka, version: 1.10, latest: true, bom: "oci://reg.example.org/kafka:1.10", labels: {kind: broker}}
    - {name: kafka, version: 1.9, labels: {kind: broker}}
`, 'modules.yaml');
const offers = offersOf(repositories, [bom('site', 'images: [{ref: "quay.example.org/azbi:1", id: azbi}]\nmodules: [{name: azbi, version: dev, image: azbi}]')]);

it('lists what repositories and lists offer', () => {
  expect(offers).toEqual([
    { name: 'azbi', version: 'dev', latest: false, image: 'quay.example.org/azbi:1', labels: {}, from: 'site' },
    { name: 'kafka', version: '1.10', latest: true, bom: 'oci://reg.example.org/kafka:1.10', labels: { kind: 'broker' }, from: 'acme' }, { name: 'kafka', version: '1.9', latest: false, labels: { kind: 'broker' }, from: 'acme' },
  ]);
});

it('finds by words in names, images and labels', () => {
  expect(searchOffers(offers, 'BROKER kafka').map(({ version }) => version)).toEqual(['1.10', '1.9']);
  expect(searchOffers(offers, 'quay').map(({ name }) => name)).toEqual(['azbi']);
  expect(searchOffers(offers, 'nothing')).toEqual([]);
});

it('names candidates for what is unmet', () => {
  const boms = [bom('app', 'requires: {strong: [[{key: kind, operator: eq, values: [broker]}, {key: version, operator: ge, values: ["1.10"]}]]}')];
  expect(refusal(() => relate(boms, { known: candidatesOf(offers) })).next).toBe('Add one of: kafka 1.10.');
});

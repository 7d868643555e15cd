import { type Lock, parseLock } from '../../../bom/lock.ts';
import { sha } from './documents.ts';

const artifact = { size: 1, trust: 'declared', usedBy: ['a'] };
const deb = { ...artifact, target: 'deb12', manager: 'deb', arch: 'amd64', repo: 'r', urls: ['http://deb.example.org/x.deb'], path: 'pool/x', stanza: '', role: 'normal', sets: ['a/s'] };

/** A small lock with every kind of artifact; `change` replaces fields of its spec. */
export function lockOfEveryKind(change: Record<string, unknown> = {}): Lock {
  return parseLock(JSON.stringify({
    apiVersion: 'longshore.dev/v1alpha1', kind: 'Lock', metadata: { name: 'site', project: sha('0'), sequence: 3 },
    spec: {
      targets: [{ id: 'deb12', family: 'debian', os: 'debian', release: '12', arch: 'amd64' }], order: ['a'], boms: [{ name: 'a', version: '1.10', digest: sha('1'), size: 3, labels: {} }],
      images: [{ ...artifact, ref: 'k8s.gcr.io/pause:3.5', digest: sha('2'), mediaType: 'x', sources: [], platforms: { 'linux/amd64': sha('2') }, manifests: [], blobs: [], kind: 'image', role: 'run', licence: 'Apache-2.0' }],
      files: [{ ...artifact, name: 'tools/x y.tgz', urls: ['https://example.org/x%20y.tgz'], digest: sha('3'), mode: '0644', purpose: 'other', mediaType: 'x', licence: 'Acme Proprietary' }],
      packages: [
        { ...deb, name: 'g++', version: '1:2.3~rc1-4', digest: sha('4'), reason: 'requested' }, { ...deb, name: 'libc6', version: '2.36', digest: sha('5'), reason: 'depends', requiredBy: 'g++', path: 'pool/y' },
        { ...deb, target: 'el9', manager: 'rpm', name: 'bash', version: '2:5.1-2', arch: 'x86_64', digest: sha('6'), reason: 'requested', stanza: '<package><format><rpm:license>GPLv3+</rpm:license></format></package>' },
      ],
      packageSets: [], repositories: [{ id: 'r', target: 'deb12', manager: 'deb', uri: 'http://deb.example.org', date: '2024-01-02T03:04:05Z', metadata: { mediaType: 'x', digest: sha('7'), size: 1 }, indexes: [], keys: [], keyFingerprints: [], verified: true, waivers: [] }],
      charts: [{ ...artifact, name: 'c', version: '1.0.0', path: 'c.tgz', urls: ['https://charts.example.org/s/c.tgz'], digest: sha('8'), metadata: {} }],
      git: [{ ...artifact, name: 'g', url: 'https://github.com/Acme/G.git', commit: 'a'.repeat(40), digest: sha('9') }],
      runtimes: [], dropped: [], unresolved: [], warnings: [], influences: [], ...change,
    },
  }), 'lock');
}

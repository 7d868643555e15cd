// What adapters give goes through aggregation as it is: names do not clash, references hold, order exists.
import { describe, expect, it } from 'vitest';
import { detectAdapter } from '../../../bom/adapters/registry.ts';
import { k8s } from '../../../bom/adapters/k8s/k8s.ts';
import { aggregated } from '../support/documents.ts';
import { casesFolder, hasCases, loadFolder } from './support.ts';
import { join } from 'node:path';

const folders = ['epiphany/v2.0.13', 'epiphany/v2.0.0', 'lambdastack/v1.3.3', 'dcos-universe', 'kubekey/v3.1.12', 'mantl', 'compose', 'dcos-pkgpanda', 'zeta', 'marathon', 'hammer', 'k8s', 'hauler'];
const systems = ['ubuntu-20.04-amd64', 'ubuntu-18.04-amd64'].map((id) => `  ${id}: ["deb http://archive.example.org/ubuntu focal main"]`).join('\n');
const rpm = ['rhel-8-amd64', 'almalinux-8-amd64', 'almalinux-8-arm64', 'centos-7-amd64', 'centos-7-arm64', 'redhat-7-amd64', 'el7'].map((id) => `  ${id}: ["http://mirror.example.org/${id}"]`).join('\n');

describe.skipIf(!hasCases)('aggregating real descriptors (skipped where ../shared/cases is absent)', () => {
  it.each(folders)('%s', (folder) => {
    const files = loadFolder(folder, { ...k8s, wants: (path) => !path.endsWith('.tgz') });
    const adapter = detectAdapter(files);
    if (adapter === undefined) throw new Error(`nobody claims ${folder}`);
    const { boms } = adapter.convert(files.filter(({ path }) => adapter.wants(path)), { folder: join(casesFolder, folder), ...(folder === 'dcos-universe' ? { select: ['kafka', 'hello-world'] } : {}) });
    const result = aggregated(boms, `systemRepositories:\n${systems}\n${rpm}`);
    expect(result.order).toHaveLength(boms.length);
    const names = result.files.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(result.images.length + result.files.length + result.packageSets.length + result.git.length).toBeGreaterThan(0);
  });
});

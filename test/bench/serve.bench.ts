// The service beside nginx: the same files from the same disk, over a link shaped to 10 Gbit/s in a network namespace. Pulls of a 100 MB layer
// (BENCH_PULLS at once, default 200; BENCH_MB changes the size), and small manifests as fast as they come. Needs root, nginx, curl, wrk, ip, tc.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';
import { noise } from '../support/bytes.ts';
import { longshorePath, must, type Service, startService } from '../support/command.ts';

const pulls = Number(process.env.BENCH_PULLS ?? 200);
const megabytes = Number(process.env.BENCH_MB ?? 100);
/** curl is one thread: several of them share the pulls. */
const curls = 4;

interface Engine { readonly name: string; readonly layer: string; readonly manifest: string }

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export async function bench(folder: string, rounds: number): Promise<void> {
  const space = `longshore-bench-${process.pid}`;
  const inside = (...command: string[]): Promise<string> => must('ip', ['netns', 'exec', space, ...command], { cwd: folder });
  const services: Service[] = [];
  await must('ip', ['netns', 'add', space]);
  try {
    await inside('ip', 'link', 'set', 'lo', 'up');
    await inside('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '10gbit', 'burst', '16mb', 'latency', '50ms');
    const { layer, manifest } = await makeMachine(folder);
    const listen = ['--listen', '127.0.0.1:5000'];
    services.push(await startService('ip', ['netns', 'exec', space, process.execPath, '--max-semi-space-size=1', longshorePath, 'serve', '--store', join(folder, 'machine'), ...listen], { ready: (output) => output.includes('127.0.0.1:5000') }));
    await writeFile(join(folder, 'nginx.conf'), nginxConfiguration(folder));
    services.push(await startService('ip', ['netns', 'exec', space, 'nginx', '-c', join(folder, 'nginx.conf')], { ready: async () => inside('curl', '-fsSo', '/dev/null', `http://127.0.0.1:8080/${manifest}`).then(() => true, () => false) }));
    const engines: readonly Engine[] = [
      { name: 'nginx', layer: `http://127.0.0.1:8080/${layer}`, manifest: `http://127.0.0.1:8080/${manifest}` },
      { name: 'longshore', layer: `http://127.0.0.1:5000/v2/docker.io/library/app/blobs/sha256:${layer}`, manifest: `http://127.0.0.1:5000/v2/docker.io/library/app/manifests/1` },
    ];
    const seconds = new Map<string, number[]>();
    const requests = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, layer: url, manifest: small } of engines) {
        const started = performance.now();
        await Promise.all(Array.from({ length: curls }, (_, number) => inside('sh', '-c', `set -e; curl -fsS --no-progress-meter -Z --parallel-immediate --parallel-max ${pulls} $(seq ${Math.ceil((pulls - number) / curls)} | sed "s|.*|-o /dev/null ${url}|")`)));
        seconds.set(name, [...(seconds.get(name) ?? []), (performance.now() - started) / 1000]);
        const text = await inside('wrk', '-t2', '-c64', '-d5s', small);
        if (/Non-2xx|Socket errors/.test(text)) throw new Error(`${name}: ${text}`);
        requests.set(name, [...(requests.get(name) ?? []), Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])]);
      }
    }
    const peakKiB = Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${services[0]?.child.pid}/status`, 'utf8'))?.[1]);
    for (const [what, figures, unit] of [[`${pulls} pulls of ${megabytes} MB`, seconds, 's'], ['manifests', requests, 'requests/s']] as const) {
      const [ours, theirs] = ['longshore', 'nginx'].map((name) => median(figures.get(name) ?? []));
      console.log(`${what}: longshore ${ours?.toFixed(2)} ${unit}, nginx ${theirs?.toFixed(2)} ${unit}, ratio ${((ours ?? 0) / (theirs ?? 1)).toFixed(2)} (medians of ${rounds})`);
    }
    console.log(`longshore: peak memory ${(peakKiB / 1024).toFixed(0)} MiB; no error`);
  } finally {
    for (const service of services) await service.stop();
    await must('ip', ['netns', 'del', space]);
  }
}

/** A machine that serves one image, and hex digests of its layer and manifest, which lie loose in the store: nginx serves the same files. */
async function makeMachine(folder: string): Promise<{ readonly layer: string; readonly manifest: string }> {
  const workbench = new Workbench();
  try {
    const sample = sampleOf({ images: { 'docker.io/library/app:1': [noise(megabytes * 1_000_000, 1)] } });
    const { paths } = await workbench.export(sample, await workbench.store('from', sample), 'app.tar');
    await must(process.execPath, [longshorePath, 'import', '--copy', '--allow-unsigned', '--store', join(folder, 'machine'), ...paths]);
    const [image] = sample.lock.spec.images;
    return { layer: image?.blobs.at(-1)?.digest.slice(7) ?? '', manifest: image?.digest.slice(7) ?? '' };
  } finally {
    workbench.close();
  }
}

function nginxConfiguration(folder: string): string {
  return `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; user root; worker_processes 2;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; server { listen 127.0.0.1:8080; root ${folder}/machine/blobs/sha256; } }
`;
}

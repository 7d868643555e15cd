// Garbage collection by the real command: killed anywhere while the machine serves, and on a disk without a byte left.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';
import { noise } from '../support/bytes.ts';
import { longshore, longshoreJson, longshorePath, run } from '../support/command.ts';
import { seeded } from '../support/kill.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface GcReport { readonly freedBytes: number; readonly collected: readonly { readonly id: number }[]; readonly looseBlobs: number }

describe('longshore gc', async () => {
  const folder = await temporaryFolder('gc');
  const bench = new Workbench();
  const contentOf = (sequence: number): Record<string, Uint8Array> => ({
    ...Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`own/${number}`, noise(30_000, sequence * 100 + number)])), shared: noise(200_000, 7),
  });
  const archives: string[] = [];

  beforeAll(async () => {
    for (const sequence of [1, 2, 3]) {
      const sample = sampleOf({ sequence, files: contentOf(sequence) });
      archives.push(...(await bench.export(sample, await bench.store(`from-${sequence}`, sample), `${sequence}.tar`)).paths);
    }
  });
  afterAll(() => bench.close());

  async function imported(machine: string, which: readonly number[], how: readonly string[]): Promise<void> {
    for (const number of which) expect(await longshore(['import', archives[number - 1] ?? '', '--allow-unsigned', '--store', machine, '--quiet', ...how], { cwd: folder })).toMatchObject({ status: 0 });
  }

  async function checkServed(url: string, sequence: number): Promise<void> {
    for (const [name, content] of Object.entries(contentOf(sequence))) {
      const answer = await fetch(`${url}/files/${name}`);
      expect([name, answer.status, digestOf(new Uint8Array(await answer.arrayBuffer()))]).toEqual([name, 200, digestOf(content)]);
    }
  }

  it('may be killed anywhere: the machine serves all along, and the rerun ends the work', async () => {
    const random = seeded(11);
    for (let round = 0; round < 6; round += 1) {
      const machine = join(folder, `kill-${round}`);
      await imported(machine, [1], round % 2 === 0 ? ['--copy'] : []);
      await imported(machine, [2, 3], round % 3 === 0 ? ['--copy'] : []);
      const serve = await startServe(['--store', machine], folder);
      try {
        const args = ['gc', '--keep', '1', '--store', machine, ...(round % 2 === 1 ? ['--compact'] : [])];
        await longshore(args, { cwd: folder, started: (child) => { setTimeout(() => child.kill('SIGKILL'), 150 + random() * 250); } });
        await checkServed(serve.url, 3);
        expect((await longshore(args, { cwd: folder })).status).toBe(0);
        await checkServed(serve.url, 3);
        expect(await longshoreJson<GcReport>([...args], { cwd: folder })).toMatchObject({ freedBytes: 0, looseBlobs: 0 });
      } finally {
        await serve.stop();
      }
    }
  });

  it('gives a client that asks all the while the content, or 404 for what it collected, and nothing else', async () => {
    const machine = join(folder, 'hammer');
    await imported(machine, [1, 2], ['--copy']);
    const serve = await startServe(['--store', machine], folder);
    try {
      await checkServed(serve.url, 2);
      await imported(machine, [3], ['--copy']);
      const known = new Map([2, 3].flatMap((sequence) => Object.entries(contentOf(sequence)).map(([name, content]) => [digestOf(content), name] as const)));
      const statuses = new Map<number, number>();
      let isDone = false;
      const hammer = async (seed: number): Promise<void> => {
        const random = seeded(seed);
        while (!isDone) {
          const name = random() < 0.1 ? 'shared' : `own/${Math.floor(random() * 40)}`;
          const answer = await fetch(`${serve.url}/files/${name}`);
          const bytes = new Uint8Array(await answer.arrayBuffer());
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          if (answer.status === 200) expect(known.get(digestOf(bytes))).toBe(name);
        }
      };
      const clients = [1, 2, 3, 4].map(hammer);
      try {
        for (const more of [['--keep', '1'], ['--keep', '1', '--compact']]) expect((await longshore(['gc', '--store', machine, ...more], { cwd: folder })).status).toBe(0);
        // Back to less: what generation 3 alone had goes under the clients' hands.
        await imported(machine, [2], ['--copy', '--allow-downgrade']);
        expect((await longshore(['gc', '--store', machine, '--keep', '1', '--compact'], { cwd: folder })).status).toBe(0);
      } finally {
        isDone = true;
        await Promise.all(clients);
      }
      expect([...statuses.keys()].filter((status) => status !== 200 && status !== 404)).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(0);
    } finally {
      await serve.stop();
    }
  });

  it('refuses a rollback to what it gave up, and says what it would do', async () => {
    const machine = join(folder, 'rollback');
    await imported(machine, [1, 2, 3], []);
    const dry = await longshoreJson<GcReport>(['gc', '--keep', '2', '--dry-run', '--store', machine]);
    expect(dry.collected.map(({ id }) => id)).toEqual([1]);
    expect((await longshore(['gc', '--keep', '2', '--store', machine])).stdout).toMatch(/generation 1 is history only[\s\S]*freed/);
    const refused = await longshore(['rollback', '1', '--store', machine]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('given up by `longshore gc`')]);
    expect((await longshore(['rollback', '--store', machine])).stdout).toContain('generation 2 is served now');
    expect((await longshore(['history', '--store', machine])).stdout).toMatch(/site +1 .*collected/);
    expect((await longshore(['gc', '--keep', '0', '--store', machine])).status).toBe(2);
    expect((await longshore(['store', 'gc', '--store', machine])).status).toBe(2);
  });

  it('works on a full disk, where an import is refused and what is served stays', async () => {
    await mkdir(join(folder, 'disk'));
    const script = `
      set -e
      mount -t tmpfs -o size=8m tmpfs "$DISK"
      ls_() { "$NODE" "$LONGSHORE" "$@" --store "$DISK/machine"; }
      ls_ import --copy --allow-unsigned --quiet "$A" >/dev/null
      ls_ import --copy --allow-unsigned --quiet "$B" >/dev/null
      ls_ client setup --origin http://127.0.0.1:5000 >/dev/null
      dd if=/dev/zero of="$DISK/fill" bs=4k 2>/dev/null || true
      echo "free $(df --output=avail "$DISK" | tail -1)"
      ls_ import --copy --allow-unsigned "$C" >/dev/null 2>"$DISK/../full.err" && exit 98
      echo "import status $?"
      "$NODE" "$LONGSHORE" serve --listen 127.0.0.1:0 --store "$DISK/machine" > "$DISK/../serve.out" 2>&1 & pid=$!
      for _ in $(seq 200); do grep -q http:// "$DISK/../serve.out" && break; sleep 0.1; done
      curl -fsS "$(grep -o 'http://[0-9.:]*' "$DISK/../serve.out" | head -1)/files/shared" | sha256sum
      kill $pid; wait $pid || true
      ls_ status | grep 'serving generation'
      ls_ gc --keep 1 | tail -1
      ls_ store verify | tail -1
      rm "$DISK/fill"
      ls_ import --copy --allow-unsigned "$C" | head -1`;
    const outcome = await run('unshare', ['--mount', 'sh', '-c', script.replace('&& exit 98\n      echo "import status $?"', '|| echo "import status $?"')], {
      env: { DISK: join(folder, 'disk'), NODE: process.execPath, LONGSHORE: longshorePath, A: archives[0] ?? '', B: archives[1] ?? '', C: archives[2] ?? '' },
    });
    expect(`${outcome.stdout}${outcome.stderr}`).toMatch(new RegExp(`free +0\nimport status 6\n${digestOf(noise(200_000, 7)).slice(7)} +-\nimported: site, 2 generations; serving generation 2.*\n1\\.[0-9] MiB freed\n\\d+ blobs, .*damaged: none\nsite: generation 3 is served`));
  });
});

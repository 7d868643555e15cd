// One large blob from a server that gives each connection BENCH_CAP_MB (default 15) megabytes a second, and from one that is free: one connection, and as
// many as longshore takes by itself. BENCH_MIB (default 512) is the size of the blob.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpClient } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { startFaultServer } from '../support/fault-server.ts';

const block = noise(1 << 20);

/** The content is one mebibyte, over and over. */
async function serve(request: IncomingMessage, response: ServerResponse, { sizeBytes, bytesPerS }: { readonly sizeBytes: number; readonly bytesPerS: number }): Promise<void> {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const end = to === '' ? sizeBytes : Number(to) + 1;
  response.writeHead(request.headers.range === undefined ? 200 : 206, { 'content-length': end - Number(from), ...(request.headers.range === undefined ? {} : { 'content-range': `bytes ${from}-${end - 1}/${sizeBytes}` }) });
  const startedMs = performance.now();
  for (let at = Number(from); at < end && !response.destroyed;) {
    const place = at % block.length;
    const part = block.subarray(place, Math.min(place + 256 * 1024, block.length, place + end - at));
    if (!response.write(part)) await drained(response);
    at += part.length;
    const aheadMs = ((at - Number(from)) / bytesPerS) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 5) await new Promise((done) => { setTimeout(done, aheadMs); });
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const finish = (): void => {
      response.off('drain', finish);
      response.off('close', finish);
      done();
    };
    response.on('drain', finish);
    response.on('close', finish);
  });
}

export async function bench(_folder: string, rounds: number): Promise<void> {
  const sizeBytes = Number(process.env.BENCH_MIB ?? 512) * 1024 * 1024;
  const cap = Number(process.env.BENCH_CAP_MB ?? 15) * 1e6;
  for (const bytesPerS of [cap, Infinity]) {
    const server = await startFaultServer((request, response) => serve(request, response, { sizeBytes, bytesPerS }));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, ranges] of [['one connection', { leastBytes: Infinity }], ['as many as bring more', {}]] as const) {
        const http = createHttpClient({ env: {}, ranges });
        const hash = createHash('sha256');
        const startedMs = performance.now();
        for await (const chunk of http.stream(`${server.origin}/blob`, { signal: new AbortController().signal, expectedSize: sizeBytes, borrow: true })) hash.update(chunk);
        const seconds = (performance.now() - startedMs) / 1000;
        console.log(`${bytesPerS === Infinity ? 'free' : `${cap / 1e6} MB/s a connection`}, ${name}: ${seconds.toFixed(2)} s, ${(sizeBytes / seconds / 1e6).toFixed(0)} MB/s, ${hash.digest('hex').slice(0, 8)}, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB with the server`);
        await http.close();
      }
    }
    await server.close();
  }
}

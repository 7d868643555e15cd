import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { launcherPath, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

let server: Server | undefined;
afterEach(() => { server?.close(); });

it('from a server that gives no parts is refused with the ways that are left', async () => {
  const listening = createServer((_request, response) => { response.writeHead(200, { 'content-length': '4000000' }).end(Buffer.alloc(4_000_000)); });
  server = listening;
  await new Promise<void>((done) => { listening.listen(0, '127.0.0.1', done); });
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const outcome = await run(launcherPath, ['import', `http://127.0.0.1:${address.port}/site.tar`, '--allow-unsigned', '--store', join(await temporaryFolder('import-url'), 'store')]);
  expect([outcome.status, outcome.stderr]).toEqual([4, expect.stringMatching(/Range[^]*curl URL \| longshore import -/)]);
});

it.each([[404, 'TRANSFER_STATUS'], [403, 'TRANSFER_STATUS'], [401, 'TRANSFER_AUTH']])('an archive behind a URL that answers %i is told as that, not as a server without lengths', async (status, code) => {
  const listening = createServer((_request, response) => { response.writeHead(status).end(); });
  server = listening;
  await new Promise<void>((done) => { listening.listen(0, '127.0.0.1', done); });
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const store = join(await temporaryFolder('import-url'), 'store');
  const outcome = await run(launcherPath, ['import', `http://127.0.0.1:${address.port}/site.tar`, '--allow-unsigned', '--store', store]);
  expect(outcome.stderr).toContain(`status ${status}`);
  expect(outcome.stderr).toContain(code);
  expect(outcome.status).toBe(4);
});

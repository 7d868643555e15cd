// A server in a process of its own, to be killed: `node crash-server.ts FOLDER`. Prints its address.
import { join } from 'node:path';
import { serve } from '../../repository/serve.ts';
import { Store } from '../../store/store.ts';

const folder = process.argv[2] ?? '';
const store = await Store.open(join(folder, 'store'), { create: true });
const service = await serve({
  contents: () => [], blobs: store, push: { blobs: store, state: join(folder, 'state') }, listen: [{ host: '127.0.0.1', port: 0 }], htpasswd: join(folder, 'htpasswd'),
});
process.stdout.write(`${service.addresses[0]}\n`);

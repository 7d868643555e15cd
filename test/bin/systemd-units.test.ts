import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseListen } from '../../bin/listen-flags.ts';
import { isUnitOf, serviceUnit, socketUnitText } from '../../bin/systemd-units.ts';
import { run } from '../support/command.ts';

const base = { command: ['/usr/bin/env', 'longshore', 'serve', 'a b$c%d"e'], store: '/srv/a b', user: 'root' };
const listen = ['0.0.0.0:5000', '[::]:5000', 'unix:/run/longshore/a.sock', 'unix:/srv/sockets/b.sock'].map(parseListen);

it('systemd reads the units as they are meant', async () => {
  const service = serviceUnit({ ...base, listen, notifies: true });
  expect(service).toContain('ExecStart=/usr/bin/env longshore serve "a b$$c%%d\\"e"\n');
  const folder = await mkdtemp(join(tmpdir(), 'longshore-unit-'));
  await writeFile(join(folder, 'one.service'), service);
  await writeFile(join(folder, 'two.socket'), socketUnitText({ store: base.store, listen, user: 'root' }));
  await writeFile(join(folder, 'two.service'), serviceUnit({ ...base, listen, socketUnit: 'two.socket' }));
  const verified = await run('systemd-analyze', ['verify', '--man=no', ...['one.service', 'two.socket', 'two.service'].map((name) => join(folder, name))]).catch(() => undefined);
  await rm(folder, { recursive: true });
  // Only where systemd is installed.
  if (verified !== undefined) expect(verified.stderr).not.toMatch(/(one|two)\.(service|socket):\d+/);
});

it('a service may write where its store and its own sockets are, and has a capability only for a low port', () => {
  const lines = serviceUnit({ ...base, listen }).split('\n');
  expect(lines.filter((line) => /^(ReadWritePaths|RuntimeDirectory|CapabilityBoundingSet|AmbientCapabilities|Type)=/.test(line)))
    .toEqual(['Type=exec', 'ReadWritePaths="/srv/a b"', 'ReadWritePaths=/srv/sockets', 'RuntimeDirectory=longshore', 'CapabilityBoundingSet=']);
  expect(serviceUnit({ ...base, listen: [parseListen('0.0.0.0:443')] })).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE\n');
  expect(serviceUnit({ ...base, listen: [{ path: '/run/x/a.sock', group: 33 }] })).toContain('SystemCallFilter=@chown\nSupplementaryGroups=33\n');
  const passed = serviceUnit({ ...base, listen: [parseListen('0.0.0.0:443')], socketUnit: 'x.socket' });
  expect([passed.includes('CAP_NET'), passed.includes('Requires=x.socket\n')]).toEqual([false, true]);
});

it('a socket unit names every address as systemd reads it', () => {
  const lines = socketUnitText({ store: '/srv/50%', listen, user: 'longshore', group: 'www-data', mode: 0o600 }).split('\n');
  expect(lines.filter((line) => /^(ListenStream|BindIPv6Only|Socket)/.test(line)))
    .toEqual(['ListenStream=0.0.0.0:5000', 'ListenStream=[::]:5000', 'ListenStream=/run/longshore/a.sock', 'ListenStream=/srv/sockets/b.sock', 'BindIPv6Only=ipv6-only', 'SocketMode=0600', 'SocketUser=longshore', 'SocketGroup=www-data']);
  expect(lines).toContain('Description=longshore repository machine (/srv/50%%), its addresses');
  for (const name of ['repo01:5000', '127.0.0.1:0']) expect(() => socketUnitText({ store: '/s', listen: [parseListen(name)], user: 'u' })).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }));
});

it('a unit is known again by its store', () => {
  const unit = serviceUnit({ ...base, listen });
  expect([isUnitOf(unit, '/srv/a b'), isUnitOf(unit, '/srv/a'), isUnitOf('[Service]\nExecStart=/bin/true\n', '/srv/a b')]).toEqual([true, false, false]);
});

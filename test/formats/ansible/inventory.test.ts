import { describe, expect, it } from 'vitest';
import { limitHosts, parseInventory } from '../../../formats/ansible/inventory.ts';
import { expandRange } from '../../../formats/ansible/range.ts';

const ini = `# a site
m1
root@m2:2222
gw ansible_connection=local

[web]
web[01:03].example.org
[db]
db-[a:b] ansible_host=192.0.2.7 ansible_port=2022   # both
[prod:children]
web
db
[prod:vars]
ansible_user="ops"
[db:vars]
ansible_user=dba
ansible_ssh_private_key_file='/keys/db key'
`;

const yaml = `---
all:
  vars: {ansible_user: anyone}
  hosts:
    m1:
  children:
    prod:
      vars: {ansible_port: 2022, ansible_become: true}
      children:
        web:
          hosts:
            web[1:2]:
        db:
          hosts:
            db1: {ansible_host: "2001:db8::7", ansible_user: dba}
            m1:
`;

describe('an inventory', () => {
  it('in INI gives hosts with what ssh needs', () => {
    const hosts = parseInventory(ini, 'hosts');
    expect(hosts.map(({ name }) => name)).toEqual(['m1', 'm2', 'gw', 'web01.example.org', 'web02.example.org', 'web03.example.org', 'db-a', 'db-b']);
    expect(hosts[0]).toEqual({ name: 'm1', address: 'm1', groups: [], isLocal: false });
    expect(hosts[1]).toMatchObject({ address: 'm2', port: 2222, user: 'root' });
    expect(hosts[2]).toMatchObject({ isLocal: true });
    expect(hosts[3]).toMatchObject({ user: 'ops', groups: ['prod', 'web'] });
    expect(hosts[7]).toMatchObject({ address: '192.0.2.7', port: 2022, user: 'dba', identityFile: '/keys/db key', groups: ['db', 'prod'] });
  });

  it('in YAML gives the same kind of hosts, of nested groups too', () => {
    const hosts = parseInventory(yaml, 'hosts.yml');
    expect(hosts.map(({ name, user, port, groups }) => [name, user, port, groups.join()])).toEqual([
      ['m1', 'anyone', 2022, 'db,prod'], ['web1', 'anyone', 2022, 'prod,web'], ['web2', 'anyone', 2022, 'prod,web'], ['db1', 'dba', 2022, 'db,prod'],
    ]);
    expect(hosts[3]?.address).toBe('2001:db8::7');
  });

  it('as a plain list, with comments and addresses of IPv6', () => {
    expect(parseInventory('m1\n# no\nops@m2.example.org\n[2001:db8::1]:2222\n192.0.2.1\nm1\n', 'list').map(({ name, port, user }) => [name, port, user])).toEqual([
      ['m1', undefined, undefined], ['m2.example.org', undefined, 'ops'], ['2001:db8::1', 2222, undefined], ['192.0.2.1', undefined, undefined],
    ]);
    expect(parseInventory('', 'empty')).toEqual([]);
  });

  it.each([
    ['m1 nonsense', 'hosts:1'], ['[a:vars]\nx', 'hosts:2'], ['m[3:1]', 'hosts'], ['m1 ansible_port=0', 'host m1'], ['m1 ansible_host=-oProxyCommand=touch', 'host m1'], ['m1 ansible_host=$(id)', 'host m1'], ['m1 ansible_user="a;id"', 'host m1'], ['all:\n  hosts: {"a`id`": {}}\n', 'host a'],
    ['[a:children]\nb\n[b:children]\na\n[a]\nm', 'hosts'], ['m1 ansible_host={{ip}}', 'host m1'], ['all:\n  hosts: [m1]\n', 'group all'], ['all:\n  host: {}\n', 'group all'], ['all:\n  hosts: {a: [\n', 'hosts'],
  ])('refuses %j and says where', (text, where) => {
    expect(() => parseInventory(text, 'hosts')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD', message: expect.stringContaining(where) as string }) as Error);
  });

  it('knows steps, letters and several ranges', () => {
    expect(expandRange('n[0:8:4]-[x:y]', 'h')).toEqual(['n0-x', 'n0-y', 'n4-x', 'n4-y', 'n8-x', 'n8-y']);
    expect(() => expandRange('[1:99999]', 'h')).toThrow(/range/);
    expect(() => expandRange('[1:9999][1:9999]', 'h')).toThrow(/10000 hosts/);
    expect(() => expandRange('[1:3:0]', 'h')).toThrow(/range/);
  });

  it('is limited as Ansible limits', () => {
    const hosts = parseInventory(ini, 'hosts');
    const names = (pattern: string): string[] => limitHosts(hosts, pattern).map(({ name }) => name);
    expect(names('web')).toHaveLength(3);
    expect(names('m*,gw')).toEqual(['m1', 'm2', 'gw']);
    expect(names('prod,!db,&web')).toHaveLength(3);
    expect(names('!prod')).toEqual(['m1', 'm2', 'gw']);
    expect(() => names('nobody')).toThrow(/nobody/);
  });
});

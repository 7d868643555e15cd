import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import { parseNetrc } from '../../../formats/netrc.ts';
import { endpointsOf, parseRegistriesConf } from '../../../formats/oci/registries-conf.ts';

const text = `
unqualified-search-registries = ["docker.io"]
short-name-mode = "enforcing"

[[registry]]
prefix = "docker.io"
location = "docker.io" # the real one
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.example.org/hub"
[[registry.mirror]]
location = "192.0.2.1:5000"
insecure = true
pull-from-mirror = "all"

[[registry]]
prefix = "docker.io/library"
location = 'cache.example.org/library'

[[registry]]
location = "*.corp.example"
insecure = true

[[registry]]
location = "old.example.org"
blocked = true

[aliases]
"fedora" = "registry.fedoraproject.org/fedora"
`;
const rules = parseRegistriesConf(text, 'registries.conf');
const places = (host: string, path: string, by: 'digest' | 'tag'): string[] => endpointsOf(rules, { host, path }, by).map((place) => `${place.host}/${place.path}${place.insecure ? ' insecure' : ''}`);

describe('registries.conf', () => {
  it('gives mirrors before the location, by the longest prefix', () => {
    expect(places('docker.io', 'grafana/loki', 'digest')).toEqual(['mirror.example.org/hub/grafana/loki', '192.0.2.1:5000/grafana/loki insecure', 'docker.io/grafana/loki']);
    expect(places('docker.io', 'grafana/loki', 'tag')).toEqual(['192.0.2.1:5000/grafana/loki insecure', 'docker.io/grafana/loki']);
    expect(places('docker.io', 'library/nginx', 'tag')).toEqual(['cache.example.org/library/nginx']);
    expect(places('docker.io', 'libraryx/nginx', 'tag')).toEqual(['192.0.2.1:5000/libraryx/nginx insecure', 'docker.io/libraryx/nginx']);
    expect(places('a.corp.example', 'x/y', 'tag')).toEqual(['a.corp.example/x/y insecure']);
    expect(places('quay.io', 'x/y', 'tag')).toEqual(['quay.io/x/y']);
    expect(places('old.example.org', 'x/y', 'tag')).toEqual([]);
  });

  it.each(['[[registry]]\nlocation = ', '[[registry]]\n', '[[registry.mirror]]\nlocation = "x"', '[[registry]]\nlocation = "x"\n[[registry.mirror]]\nlocation = "y"\npull-from-mirror = "never"'])('refuses %j', (bad) => {
    expect(() => parseRegistriesConf(bad, 'f')).toThrow(BundleError);
  });
});

describe('netrc', () => {
  it('reads machines, logins and passwords', () => {
    expect(parseNetrc('machine a.example:5000 login u password p#w # note\nmachine b login x\n default login d password e', 's')).toEqual([
      { machine: 'a.example:5000', login: 'u', password: 'p#w' }, { machine: 'b', login: 'x', password: '' }, { login: 'd', password: 'e' },
    ]);
    expect(parseNetrc('', 's')).toEqual([]);
  });

  it.each(['login x', 'machine', 'machine a secret hunter2', 'machine a login'])('refuses %j and quotes nothing', (bad) => {
    let error: unknown;
    try { parseNetrc(bad, 's'); } catch (thrown) { error = thrown; }
    expect(error).toBeInstanceOf(BundleError);
    expect(String(error)).not.toContain('hunter2');
  });
});

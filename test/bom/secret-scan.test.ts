import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanBinary, scanText } from '../../bom/secret-scan.ts';
import { processorTime } from '../support/processor-time.ts';

/** Put together here, so that no scanner takes this file for a leak. */
const of = (...parts: readonly string[]): string => parts.join('');
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const pem = of('-----BEGIN ', 'RSA PRIVATE KEY-----');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const secrets: readonly (readonly [rule: string, text: string, path?: string])[] = [
  ['private-key', `a\n${pem}\nMIIE`], ['private-key', of('-----BEGIN ', 'OPENSSH PRIVATE KEY-----')], ['private-key', of('-----BEGIN PGP ', 'PRIVATE KEY BLOCK-----')],
  ['private-key', `data: ${base64(`${pem}\nMIIE`)}`], ['private-key', of('AGE-SECRET-', 'KEY-1', 'Q'.repeat(58))],
  ['aws-access-key', of('key AK', 'IA', upper.slice(0, 16))], ['google-api-key', of('AI', 'za', letters.slice(0, 35))],
  ['azure-key', of('DefaultEndpoint;Account', 'Key=', 'a'.repeat(86), '==')], ['github-token', of('gh', 'p_', letters)], ['gitlab-token', of('gl', 'pat-', letters.slice(0, 20))],
  ['slack-token', of('xo', 'xb-', letters)], ['package-registry-token', of('np', 'm_', letters)], ['vault-token', of('hv', 's.', letters)], ['cloud-token', of('sk_', 'live_', letters)],
  ['json-web-token', of('ey', 'J', letters.slice(0, 12), '.ey', 'J', letters.slice(0, 12), '.', letters)],
  ['url-password', 'git: https://user:hunter2@git.example.org/x'], ['url-password', 'postgres://db:pw123@db.example.org:5432/x'], ['authorization-header', 'Authorization: Bearer abcdefgh1234'],
  ['netrc', 'machine example.org login me password hunter2', '.netrc'], ['docker-auth', `{"auths": {"r.example.org": {"auth": "${base64('me:hunter2')}"}}}`, 'config.json'],
  ['password-hash', 'root:$6$abcdefgh$0123456789abcdef:19000'], ['xml-password', '<server><password>hunter2</password></server>', 'settings.xml'], ['command-line', 'ExecStart=/bin/x --db-password hunter2'],
  ['kubernetes-secret', 'a: 1\n---\nkind: Secret\nmetadata: {name: x}\ndata:\n  foo: YmFyYmFy\n'], ['kubernetes-secret', '{"kind": "Secret", "data": {"foo": "YmFyYmFy"}}', 'x.json'],
  ['key-store', '', 'tls/server.p12'], ['password-file', 'x', 'a/.pgpass'],
  ...[
    'password: hunter2', 'adminPassword: "hunter2"', 'DB_PASS=hunter2', 'export API_TOKEN=abc123', 'client-key-data: LS0tabc', 'clientSecret: abc-def', '"secret": "abc"', 'token = "abc123"', 'x: {user: a, password: hunter2}',
    'password: |\n  hunter2', 'password:\n  hunter2', '- name: DB_PASSWORD\n  value: hunter2', '{"name": "API_KEY", "value": "abc123"}', 'db_password:\n  value: hunter2\n', '"admin_password": {\n "value": "hunter2"', 'rootpw --plaintext\nrootpw=abcdef',
    'password: &pw hunter2', 'aws_secret_access_key = abcDEF/123', 'spring.datasource.password=hunter2', 'secret: changeme', 'azure:\n  credentials: abcd-1234-efgh', 'jdbc:x://h;password=abc;user=b', 'password: $ecret1', 'password: "a${b}c"', 'password: /9jhsd7', 'password: ${DB_PASSWORD:-hunter2}',
    `${'{"a": 1, '.repeat(200_000)}"password": "hunter2"`,
  ].map((text) => ['secret-value', text] as const),
  ['secret-value', 'password = "hunter2"', 'main.tf'], ['secret-value', 'the password: hunter2', 'notes.txt'], ['secret-value', 'password: hunter2', 'x.yml.j2'],
  ['netrc', 'default login me password hunter2', '.netrc'], ['kubernetes-secret', '{"apiVersion": "v1", "kind": "Secret", "stringData": {"foo": "barbar"}}', 'x.json'],
];

describe('secrets are found', () => {
  it.each(secrets.map(([rule, text, path = 'config.yml']) => [rule, text.slice(-60), path, text] as const))('%s: %s in %s', (rule, _, path, text) => {
    expect(scanText(text, path).map((finding) => finding.rule)).toContain(rule);
  });

  it('with their line and key, and without their value', () => {
    const found = scanText(`a: 1\n\nadmin_password: hunter2\nb: 2\n${pem}\n`, 'x.yml');
    expect(found).toEqual([{ line: 3, rule: 'secret-value', key: 'admin_password' }, { line: 5, rule: 'private-key' }]);
    expect(scanText('a: 1\n---\nkind: Secret\ndata:\n  foo: YmFyYmFy\n', 'x.yml')).toEqual([{ line: 4, rule: 'kubernetes-secret' }]);
  });

  it('in content that is no text', () => {
    expect(scanBinary(Buffer.from(`\0\x01${pem}`), 'x.bin')).toEqual([{ line: 1, rule: 'private-key' }]);
    expect(scanBinary(Buffer.from(pem, 'utf16le'), 'x.bin')).toEqual([{ line: 1, rule: 'private-key' }]);
    expect(scanBinary(Buffer.alloc(100), 'x.jks')).toEqual([{ line: 1, rule: 'key-store' }]);
    expect(scanBinary(Buffer.alloc(100), 'x.png')).toEqual([]);
  });
});

const ordinary: readonly (readonly [name: string, text: string])[] = [
  ['values.yml', 'replicas: 3\nimage: {repository: quay.io/acme/kafka, tag: "2.8.1"}\nresources:\n  limits: {cpu: "1", memory: 1Gi}\nurl: https://example.org:8443/path@v1\n'],
  ['references.yml', 'password: ${DB_PASSWORD}\ntoken: $TOKEN\nsecret: "{{ vault_secret }}"\napi_key: <your-key>\npassword: ${A}${B}\ntoken: ${{ secrets.TOKEN }}\npassword: ${X:-}\npassword: ${X:?must be set}\npassword: ""\npassword: null\ntoken: REDACTED\npassword: "REDACTED"\nsecret: "****"\npassword: ENC[AES256_GCM,data:abc,type:str]\n'],
  ['names.yml', 'secretName: web-tls\nimagePullSecrets: [{name: regcred}]\ntokenFile: /var/run/token\npassword_file: /etc/x/pw\nsecretKeyRef:\n  name: db\n  key: password\npublic_key: ssh-rsa AAAA\nmax_tokens: 4096\ntoken_ttl: 3600\nbypass: all-of-it\ncompass: north-east\npassword_policy: strict\nssh_authorized_keys: [ssh-ed25519 AAAA]\n'],
  ['volumes.yml', 'volumes:\n  - name: tls\n    secret:\n      secretName: web-tls\n      optional: true\nkind: SecretStore\n'],
  ['env.yml', 'env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef: {name: db, key: password}\n  - name: MODE\n    value: production\n'],
  ['schema.json', '{"properties": {"password": {"type": "string", "description": "the password"}, "token": {"type": "string"}}}'],
  ['main.tf', 'variable "password" {\n  type = string\n}\nresource "x" "y" {\n  password = var.password\n  token    = data.vault.token\n  secret   = "${var.secret}"\n}\n'],
  ['run.sh', 'PASSWORD=$(cat /run/secrets/db)\nTOKEN="${1}"\nif [ "$TOKEN" == x ]; then echo "token: $TOKEN"; fi\ncurl --token "$TOKEN"\nPWD=/home/x\n'],
  ['kubeconfig', 'clusters:\n- cluster:\n    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n    server: https://10.0.0.1:6443\nusers:\n- name: a\n  user: {client-certificate: /etc/a.pem, tokenFile: /var/token}\n'],
  ['cert.pem', '-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n'],
  ['secret.yml', 'kind: Secret\nmetadata:\n  name: x\ndata:\n  foo: REDACTED\ntype: Opaque\n'],
  ['empty-secret.yml', 'kind: Secret\ndata: {}\nmetadata:\n  name: abc\n'],
  ['vault.yml', '$ANSIBLE_VAULT;1.1;AES256\n6162\n'],
  ['inline.yml', 'password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n'],
  ['allowed.yml', 'token: the-name-of-a-token # longshore: not-a-secret\n'],
  ['nginx.conf', 'server {\n  listen 443 ssl;\n  ssl_certificate_key /etc/nginx/key.pem;\n  proxy_set_header Authorization $http_authorization;\n  auth_basic "closed";\n}\n'],
  ['sshd_config', 'PasswordAuthentication no\nPermitRootLogin prohibit-password\n'],
  ['readme.md', 'Set the password: see the manual. Pass a token with --token TOKEN, or password=yourword.\n'],
];

describe('ordinary configurations are left in peace', () => {
  it.each(ordinary)('%s', (name, text) => {
    expect(scanText(text, name)).toEqual([]);
  });
});

describe('hostile text', () => {
  it('of any kind is read', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => { expect(Array.isArray(scanText(text, 'x'))).toBe(true); }), { numRuns: 300 });
  });

  it.each(['a', 'a:', '-', 'password', '{"a":', 'eyJ', 'a.', ' ', 'x://a:', '<a>', '--token ', 'kind: Secret\n', '$6$', '`', '{a:', '{password:', 'password: {{}}{{}}', 'eyJ-', '\n', 'password:     ', 'kind: Secret\n\n{data:{', ',  ', 'password: ${', '<a', '[a='])('%j, many times, takes no long time', (part) => {
    const spent = processorTime();
    scanText(part.repeat(Math.ceil(200_000 / part.length)), 'x.yml');
    expect(spent()).toBeLessThan(10_000);
  });
});

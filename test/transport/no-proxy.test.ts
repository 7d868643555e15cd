import { describe, expect, it } from 'vitest';
import { parseNoProxy } from '../../transport/no-proxy.ts';

describe('NO_PROXY', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['', [], ['http://a.example/']],
    ['*', ['http://a.example/', 'https://10.0.0.1:5000/', 'http://[fd00::1]/'], []],
    ['*:8080', ['http://a.example:8080/'], ['http://a.example/']],
    ['example.org', ['http://example.org/', 'https://a.EXAMPLE.org:5000/', 'http://example.org./'], ['http://anexample.org/', 'http://example.org.evil.net/']],
    ['.example.org', ['http://example.org/', 'http://a.example.org/'], ['http://anexample.org/']],
    ['*.example.org', ['http://a.example.org/', 'http://a.b.example.org/'], ['http://example.org/']],
    ['example.org:5000', ['http://example.org:5000/', 'https://a.example.org:5000/'], ['http://example.org/', 'https://example.org:443/']],
    ['example.org:443', ['https://example.org/'], ['http://example.org/']],
    ['bücher.example', ['https://bücher.example/', 'https://a.xn--bcher-kva.example/'], ['https://bucher.example/']],
    ['10.0.0.0/8', ['http://10.1.2.3:5000/', 'https://10.255.255.255/'], ['http://11.0.0.1/', 'http://10.example.org/', 'http://[::a00:1]/']],
    ['192.168.4.0/22', ['http://192.168.7.255/'], ['http://192.168.8.0/']],
    ['172.16.5.9', ['http://172.16.5.9/', 'http://172.16.5.9:81/'], ['http://172.16.5.90/', 'http://1.172.16.5.9.example/']],
    ['172.16.5.9:5000', ['http://172.16.5.9:5000/'], ['http://172.16.5.9/']],
    ['fd00::/8', ['https://[fd12::1]:5000/'], ['https://[fe80::1]/', 'https://253.0.0.0/']],
    ['fd00::1', ['https://[fd00:0::1]/'], ['https://[fd00::2]/']],
    ['[fd00::1]', ['https://[fd00::1]:5000/'], []],
    ['[fd00::1]:5000', ['https://[fd00::1]:5000/'], ['https://[fd00::1]/']],
    ['0.0.0.0/0', ['http://8.8.8.8/'], ['http://a.example/', 'http://[fd00::1]/']],
    [' a.example ,,b.example\t10.0.0.0/8 ', ['http://a.example/', 'http://b.example/', 'http://10.0.0.1/'], ['http://c.example/']],
    // Nothing that anybody means: none of these may stand for a host, and none ends the run.
    ['10.0.0.0/99,10.0.0/8,/8,a:b:c/8,.,*.,:80,[],[x,example.org:99999999', [], ['http://10.0.0.1/', 'http://example.org/', 'http://a.example/']],
  ])('%j', (text, direct, proxied) => {
    const noProxy = parseNoProxy(text);
    expect(direct.filter((url) => !noProxy(new URL(url)))).toEqual([]);
    expect(proxied.filter((url) => noProxy(new URL(url)))).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { checkRevision, checkTreePath, gitAddress, submoduleAddress } from '../../downloader/git-address.ts';

describe('an address', () => {
  it.each(['ext::sh -c touch% /tmp/x', '--upload-pack=touch /tmp/x', 'git://example.org/x.git', '-oProxyCommand=x:y', 'ssh://-oProxyCommand=x/y', 'ssh://host/-x', 'ssh://a$(id)/x', 'ssh://a;id/x', "ssh://a'b/x", 'ssh://$(id)@host/x', 'fd::17', 'https://u:p@example.org/x.git', 'relative/path', 'file://host/x', 'ftp://example.org/x', "https://exa mple.org/x", 'transport::https://example.org/x'])('%s is refused', (url) => {
    expect(() => gitAddress(url, 'git')).toThrow(BundleError);
  });

  it.each([['git@example.org:team/repo.git', 'ssh://git@example.org/team/repo.git'], ['https://example.org/x.git', 'https://example.org/x.git'], ['ssh://git@[::1]:22/x.git', 'ssh://git@[::1]:22/x.git'], ['git+https://example.org/x.git', 'https://example.org/x.git'], ['file:///srv/x', 'file:///srv/x']])('%s is %s', (written, address) => {
    expect(gitAddress(written, 'git')).toBe(address);
  });

  it('of a submodule may be relative', () => {
    expect(submoduleAddress('../lib.git', 'https://example.org/team/repo.git', 's')).toBe('https://example.org/team/lib.git');
    expect(() => submoduleAddress('ext::sh', 'https://example.org/team/repo.git', 's')).toThrow(BundleError);
  });
});

describe('a revision', () => {
  it.each(['--upload-pack=x', '-x', 'a..b', 'a@{1}', 'x.lock', 'a b', ':/text', 'a^{tree}'])('%s is refused', (ref) => {
    expect(() => checkRevision(ref, 'git')).toThrow(BundleError);
  });

  it.each(['main', 'refs/heads/x-1', 'v1.0', 'feature/a+b'])('%s is taken', (ref) => {
    expect(checkRevision(ref, 'git')).toBe(ref);
  });
});

describe('a path in a tree', () => {
  it.each(['../x', 'a/../b', '-x', ':(top)x', 'a\\b', 'a*'])('%s is refused', (path) => {
    expect(() => checkTreePath(path, 'git')).toThrow(BundleError);
  });
});

// README.txt of an archive: for the person who finds it. FORMAT.md, section 2. It must say the same whether the archive is signed or not.
import { hexOf } from '../../bom/digest.ts';
import type { Lock } from '../../bom/lock.ts';

/** Where the keys lie that rpm packages are signed with. */
function vendorKeys(lock: Lock): readonly string[] {
  const keys = lock.spec.repositories.filter(({ manager }) => manager === 'rpm').flatMap((repository) => repository.keys);
  return [...new Set(keys.map(({ digest }) => `blobs/sha256/${hexOf(digest)}`))];
}

/** Plain text, 79 columns but for paths, in terms of the lock only. */
export function renderReadme(lock: Lock): string {
  const { images, files, packages, charts, targets } = lock.spec;
  const debs = targets.filter((target) => packages.some((item) => item.manager === 'deb' && item.target === target.id));
  const rpms = targets.filter((target) => packages.some((item) => item.manager === 'rpm' && item.target === target.id));
  const platforms = [...new Set(lock.spec.runtimes.map((runtime) => runtime.platform))].sort().join(', ');
  return [
    `${lock.metadata.name}, sequence ${lock.metadata.sequence}`,
    '',
    'This is an archive of longshore: everything that one cluster needs, for a site',
    'without internet. It is a plain tar file and can be used with or without longshore.',
    '',
    `It was made for ${images.length} images, ${files.length} files, ${packages.length} packages and ${charts.length} charts. An archive that builds on`,
    'an earlier one carries only what that one lacks ("base" in longshore/manifest.json).',
    '',
    'With longshore',
    '',
    ...(lock.spec.runtimes.length === 0 ? [] : [
      `  It travels along for ${platforms}:`,
      '  tar xf ARCHIVE longshore && longshore/bin/PLATFORM/longshore --help',
      '',
    ]),
    '  longshore inspect ARCHIVE                 what it holds, for whom, from when',
    '  longshore verify --key KEY.asc ARCHIVE    checks every byte and the signature',
    '  longshore serve --key KEY.asc ARCHIVE     a registry and package mirror, straight from it',
    '  longshore import --key KEY.asc ARCHIVE    takes it into the repository machine',
    '',
    'Without longshore',
    '',
    '  tar xf ARCHIVE                            on a file system with hard links; of',
    '                                            several volumes, all into one folder',
    '  gpg --verify longshore/manifest.json.asc longshore/manifest.json',
    '                                            when it is signed; take the key from',
    '                                            someone you trust, not from here',
    '  sha256sum -c SHA256SUMS                   (SHA256SUMS.* when there are volumes)',
    ...(images.length === 0 ? [] : [
      '  skopeo copy oci:FOLDER:NAME docker://REGISTRY/NAME',
      '                                            names are in index.json; add --all',
      '                                            when every platform was carried, and',
      '                                            --preserve-digests',
    ]),
    ...debs.map((target) => `  deb [signed-by=/PATH/KEY.asc] file:/FOLDER/apt/${target.id} ${target.id} main`),
    ...(debs.length === 0 ? [] : ['                                            for /etc/apt/sources.list']),
    ...rpms.map((target) => `  baseurl=file:///FOLDER/yum/${target.id}`),
    ...(rpms.length === 0 ? [] : [
      '                                            for /etc/yum.repos.d, with gpgcheck=1 and',
      '                                            module_hotfixes=1; when it is signed, with',
      '                                            repo_gpgcheck=1 and its key as gpgkey too',
      ...vendorKeys(lock).map((path) => `  gpgkey=file:///FOLDER/${path}`),
    ]),
    '',
    'Contents',
    '',
    '  longshore/manifest.json   where every blob lies; the signature covers it, and',
    '                            through its digests everything else',
    '  blobs/sha256/             all content, named by its sha256 (an OCI image layout',
    '                            with oci-layout and index.json)',
    '  files/ charts/ git/ apt/ yum/',
    '                            the same content under its names, as hard links',
    '  keys/                     the public key, for comparison, when it is signed',
    '',
    'On a file system without hard links (FAT, exFAT, some network shares) tar cannot',
    'make the names: blobs/ and the images still work, and longshore reads the tar',
    'file as it is, without unpacking.',
    'A blob that is larger than a volume is cut: join blobs/sha256/HEX.001, .002, …',
    'in order with cat, as blobs/sha256/HEX.',
    '',
  ].join('\n');
}

import { digestOf, hexOf } from '../../bom/digest.ts';
import { type ClientFile, clientParts, quote } from './client-files.ts';
import { scriptHead } from './script-head.ts';
import { scriptTail } from './script-tail.ts';

export type ClientAction = 'setup' | 'teardown' | 'audit';

export interface SetupScriptOptions {
  readonly origin: string;
  /** true: the script takes other package sources away without being told to. */
  readonly exclusive: boolean;
  readonly files: readonly ClientFile[];
  /** What it does without being told to. Default: `setup`. */
  readonly action?: ClientAction;
  /** Ids that `--target` may name. */
  readonly targets: readonly string[];
  /** Names of images that are here, as their upstreams call them: audit does not report those. */
  readonly images?: readonly string[];
}

/**
 * `/client/setup.sh`: a POSIX shell script that points one machine here, and back again. It holds every byte that it writes. What was there before is
 * kept below /var/lib/longshore-client before anything changes, each change is one rename, and `teardown` puts back content, mode, owner and folders; so
 * it may be stopped at any moment and run again. A later run with other content ends in what that one wants.
 */
export function setupScript({ origin, exclusive, files, targets, action = 'setup', images = [] }: SetupScriptOptions): string {
  const writes = files.map((file) => `if wanted ${file.part} && { ${file.when}; }; then
${file.merge === true ? 'merge' : 'put'} ${quote(file.path)} ${hereDocument(file.content)}fi
`);
  const fill = (text: string): string => text.replaceAll('@ORIGIN@', origin).replaceAll('@HOST@', origin.replace(/^https?:\/\//, '')).replaceAll('@EXCLUSIVE@', exclusive ? 'yes' : 'no').replaceAll('@ACTION@', action)
    .replaceAll('@PARTS@', clientParts.join(' ')).replaceAll('@TARGETS@', () => quote([...new Set(targets)].sort().join(' ')));
  return `${fill(scriptHead)}
setup() {
${writes.join('')}
if [ "$exclusive" = yes ]; then
  take_others apt "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list "$root"/etc/apt/sources.list.d/*.sources
  take_others dnf "$root"/etc/yum.repos.d/*.repo
  take_others zypper "$root"/etc/zypp/repos.d/*.repo
fi
apply
refresh
[ -z "$byhand" ] || fail "$byhand is left to do by hand: see above"
}

known_images() {
cat ${hereDocument(`${[...images].sort().join('\n')}\n`)}}
${fill(scriptTail)}`;
}

/** The delimiter cannot be a line of the content. */
function hereDocument(content: string): string {
  const end = `END-${hexOf(digestOf(content)).slice(0, 16)}`;
  return `<<'${end}'\n${content.endsWith('\n') ? content : `${content}\n`}${end}\n`;
}

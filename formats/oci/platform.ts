// Platforms: OCI image specification 1.1, image-index.md ("platform"), config.md; normalized as containerd's platforms package does.
import { z } from 'zod';
import { BundleError } from '../../bom/errors.ts';
import type { ListedPlatform } from './manifest.ts';

/** Media types of configs that say a platform; all others belong to artifacts. */
const configMediaTypes = new Set(['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']);

export function isImageConfig(mediaType: string): boolean {
  return configMediaTypes.has(mediaType);
}

const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ['amd64'], 'x86-64': ['amd64'], aarch64: ['arm64'], i386: ['386'], i686: ['386'], armhf: ['arm', 'v7'], armel: ['arm', 'v6'],
};

/** os/arch[/variant] in the form that compares: arm64/v8 is arm64, arm is arm/v7, amd64/v1 is amd64, aarch64 is arm64. */
export function platformName({ os, architecture, variant }: ListedPlatform): string {
  const [arch, implied] = architectures[architecture.toLowerCase()] ?? [architecture.toLowerCase()];
  let suffix = (variant ?? implied ?? '').toLowerCase();
  if (/^\d+$/.test(suffix)) suffix = `v${suffix}`;
  if (arch === 'arm64' && suffix === 'v8') suffix = '';
  if (arch === 'amd64' && suffix === 'v1') suffix = '';
  if (arch === 'arm' && suffix === '') suffix = 'v7';
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  return `${system}/${arch}${suffix === '' ? '' : `/${suffix}`}`;
}

/** {@link platformName} of os/arch[/variant] as documents write it. Throws `INPUT_FIELD`. */
export function parsePlatform(text: string, subject: string): string {
  const [os = '', architecture = '', variant, ...rest] = text.split('/');
  if (os === '' || architecture === '' || rest.length > 0 || variant === '') {
    throw new BundleError('INPUT_FIELD', { subject, expected: 'a platform as os/arch[/variant]', actual: JSON.stringify(text) });
  }
  return platformName({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/**
 * Which of `available` serves a machine of `wanted`, all in the form of {@link platformName}: itself, else the nearest lower variant of the
 * same architecture that such a machine runs (arm/v7 runs v6 and v5, amd64/v3 runs v2 and v1). undefined: none.
 */
export function bestPlatform(wanted: string, available: ReadonlySet<string>): string | undefined {
  return candidates(wanted).find((name) => available.has(name));
}

function candidates(wanted: string): string[] {
  const [os = '', arch = '', variant = ''] = wanted.split('/');
  const level = /^v(\d)$/.exec(variant)?.[1];
  if (level === undefined || (arch !== 'arm' && arch !== 'amd64')) return [wanted];
  const lowest = arch === 'arm' ? 5 : 1;
  const levels = Array.from({ length: Math.max(0, Number(level) - lowest + 1) }, (_, down) => Number(level) - down);
  return [wanted, ...levels.map((at) => platformName({ os, architecture: arch, variant: `v${at}` }))];
}

const configSchema = z.object({ os: z.string().min(1), architecture: z.string().min(1), variant: z.string().nullish().transform((value) => value || undefined) });

/** The platform that an image config names; undefined when it names none, as some build tools leave it. Throws `INTEGRITY_METADATA` for what is no JSON. */
export function platformOfConfig(bytes: Uint8Array, subject: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'an image config in JSON', actual: 'something else' }, { cause });
  }
  const result = configSchema.safeParse(value);
  return result.success ? platformName(result.data) : undefined;
}

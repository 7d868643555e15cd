// The container of longshore as a module: a folder that `buildah build` or `docker build` takes.
import { join } from 'node:path';
import { toYaml } from '../bom/documents/yaml-writer.ts';
import { apiVersion } from '../bom/lock.ts';
import { metadataOf } from '../bom/longshore-module.ts';
import { commitFile } from '../store/durable-file.ts';
import type { CommandContext } from './context.ts';
import { launcher } from './kit.ts';
import { writeRuntimes } from './runtime-folder.ts';
import { version } from './version.ts';

const containerfile = `# longshore as a module: podman run --rm -v ./shared:/shared IMAGE metadata|init|plan|apply|audit
# The base needs glibc, libstdc++, a shell and tar (Debian's slim image has them); nothing is installed in it.
ARG BASE=docker.io/library/debian:13-slim
FROM \${BASE}
COPY longshore /opt/longshore/longshore
COPY bin/ /opt/longshore/bin/
COPY bom.yaml /longshore/bom.yaml
# Unpacks the program once, so that a container without a writable root starts too.
RUN ["/opt/longshore/longshore", "--version"]
VOLUME /shared
WORKDIR /shared
ENTRYPOINT ["/opt/longshore/longshore", "module"]
`;

/** Writes Containerfile, the runtimes, and the module's own BOM, which the image carries at /longshore/bom.yaml. */
export async function writeContainerContext(context: CommandContext, folder: string, platforms: readonly string[]): Promise<void> {
  await writeRuntimes(context, join(folder, 'bin'), platforms);
  await commitFile(join(folder, 'longshore'), launcher, 0o755);
  const { labels } = metadataOf(version);
  await commitFile(join(folder, 'bom.yaml'), toYaml({ apiVersion, kind: 'ModuleBOM', metadata: { name: 'longshore', version, labels } }));
  await commitFile(join(folder, 'Containerfile'), containerfile);
}

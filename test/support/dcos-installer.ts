// An installer of DC/OS as the release engineers' script builds it, small.

/** A shell script that makes `dcos_generate_config.sh` where it runs. */
export const makeInstaller = `
mkdir -p i/artifacts/bootstrap i/artifacts/packages/mesos i/artifacts/complete i/genconf
echo 'bootstrap bytes' > i/artifacts/bootstrap/abc.bootstrap.tar.xz
echo 'mesos bytes' > i/artifacts/packages/mesos/mesos--123.tar.xz
echo '{"bootstrap": "abc", "packages": ["mesos--123"]}' > i/artifacts/complete/complete.latest.json
echo 'secret: 1' > i/genconf/config.yaml
mkdir s && tar cf s/layer.tar -C i artifacts genconf
echo '{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:'$(sha256sum s/layer.tar | cut -d' ' -f1)'"]}}' > s/config.json
echo '[{"Config": "config.json", "RepoTags": ["mesosphere/dcos-genconf:abc-123"], "Layers": ["layer.tar"]}]' > s/manifest.json
tar cf dcos-genconf.abc-123.tar -C s manifest.json config.json layer.tar
tar cf payload.tar dcos-genconf.abc-123.tar
{ printf '#!/bin/bash\\nexit 0\\n#EOF#\\n'; cat payload.tar; } > dcos_generate_config.sh
`;

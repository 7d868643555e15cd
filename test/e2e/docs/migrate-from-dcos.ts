import { makeInstaller } from '../../support/dcos-installer.ts';
import type { PageSetting } from '../docs.test.ts';

export const setting: PageSetting = {
  world: async (world) => { await world.addFile('downloads.example.org/spark-2.0.2-bin.tgz', 'spark\n'); },
  machinesReady: async (machine) => {
    await machine('dl01').must(`mkdir release && cd release && ${makeInstaller.trim()}\nmv dcos_generate_config.sh ..`);
    const at = 'universe/repo/packages/B/broker/3';
    await machine('dl01').write(`${at}/package.json`, '{"packagingVersion": "4.0", "name": "broker", "version": "1.4", "maintainer": "x@example.org", "description": "b", "tags": ["b"]}');
    await machine('dl01').write(`${at}/resource.json`, '{"assets": {"uris": {"app": "https://downloads.example.org/app-1.10.tgz"}, "container": {"docker": {"acme": "quay.io/acme/kafka:2.8.1"}}}}');
    await machine('dl01').write(`${at}/config.json`, '{"properties": {}}');
    await machine('dl01').write('zetapkgs/spark/spark-2.0.2.vers', 'APP_VER="2.0.2"\nAPP_URL="http://downloads.example.org/spark-${APP_VER}-bin.tgz"\nAPP_IMG="${ZETA_DOCKER_REG_URL}/spark:${APP_VER}"\n');
  },
};

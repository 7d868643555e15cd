import type { PageSetting } from '../docs.test.ts';

/** A bare repository with another as its submodule. */
const makeRepositories = `
git config --global user.name a && git config --global user.email a@example.org && git config --global init.defaultBranch main
mkdir -p work/lib work/tools /srv/git
cd work/lib && git init -q && echo library > lib.txt && git add . && git commit -qm library && cd ../..
cd work/tools && git init -q && echo tools > main.txt
printf '[submodule "vendor/lib"]\\n\\tpath = vendor/lib\\n\\turl = ../lib.git\\n' > .gitmodules
git add . && git update-index --add --cacheinfo "160000,$(git -C ../lib rev-parse HEAD),vendor/lib" && git commit -qm tools && cd ../..
git clone -q --bare work/lib /srv/git/lib.git && git clone -q --bare work/tools /srv/git/tools.git
`;

export const setting: PageSetting = {
  machinesReady: async (machine) => { await machine('dl01').must(makeRepositories.trim()); },
};

"""Answers requests over several repositories with dnf's own Base.install and resolve. A site a line: {"folder", "arch", "repos", "excludes", "rpms", "requests"}.

"repos": a folder of .repo files; "rpms": files that are installed before, as far as the rpm database goes. Out: for each request
{"chosen": ["name-evr.arch repository"]} or {"error"}.
"""
import json
import os
import subprocess
import sys

import dnf


def make(site, request):
    base = dnf.Base()
    conf = base.conf
    conf.installroot = os.path.join(site["folder"], "root")
    conf.cachedir = os.path.join(site["folder"], "cache")
    conf.logdir = site["folder"]
    conf.persistdir = os.path.join(site["folder"], "persist")
    conf.reposdir = [site["repos"]]
    conf.pluginpath = []
    conf.module_platform_id = "platform:el9"
    conf.substitutions["arch"] = site["arch"]
    conf.substitutions["basearch"] = site["arch"]
    conf.substitutions["releasever"] = "9"
    conf.install_weak_deps = request["weak"]
    conf.best = request["best"]
    conf.excludepkgs = site["excludes"]
    conf.protected_packages = []
    base.read_all_repos()
    for repo in base.repos.iter_enabled():
        repo.metadata_expire = -1
        repo.skip_if_unavailable = False
    base.fill_sack(load_system_repo=bool(site["rpms"]))
    return base


def answer(site, request):
    base = make(site, request)
    try:
        base.install_specs(request["specs"])
        base.resolve()
        return {
            "chosen": sorted("%s-%s.%s %s" % (item.pkg.name, item.pkg.evr, item.pkg.arch, item.pkg.reponame) for item in base.transaction if item.action in dnf.transaction.FORWARD_ACTIONS),
            "gone": sorted("%s-%s.%s" % (item.pkg.name, item.pkg.evr, item.pkg.arch) for item in base.transaction if item.action not in dnf.transaction.FORWARD_ACTIONS),
        }
    except dnf.exceptions.Error as error:
        return {"error": str(error)[:2000]}
    finally:
        base.close()


for line in sys.stdin:
    loaded = json.loads(line)
    root = os.path.join(loaded["folder"], "root")
    os.makedirs(root, exist_ok=True)
    if loaded["rpms"]:
        subprocess.run(["rpm", "--root", root, "--justdb", "-i", "--nodeps", "--nosignature", "--nodigest", "--noscripts", "--notriggers", "--ignorearch", "--ignoreos", "--force"] + loaded["rpms"], check=True)
    print(json.dumps([answer(loaded, request) for request in loaded["requests"]]), flush=True)

"""Answers requests with dnf's own Base.install and resolve. usage: dnf-oracle.py FOLDER ARCH REPO.json; a request a line: {"specs", "weak", "best", "enable"}.

REPO.json: [{"id", "path", "priority", "cost", "excludes", "includepkgs", "hotfixes"}]. Out: {"nevras"} or {"error"} a line.
"""
import json
import os
import sys

import dnf
import dnf.module.module_base

folder, arch, repos = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))


def make(weak, best):
    base = dnf.Base()
    conf = base.conf
    conf.installroot = os.path.join(folder, "root")
    conf.cachedir = os.path.join(folder, "cache")
    conf.logdir = folder
    conf.persistdir = os.path.join(folder, "persist")
    conf.reposdir = [os.path.join(folder, "none")]
    conf.module_platform_id = "platform:el9"
    conf.substitutions["arch"] = arch
    conf.substitutions["basearch"] = arch
    conf.substitutions["releasever"] = "9"
    conf.install_weak_deps = weak
    conf.best = best
    conf.zchunk = False
    for facts in repos:
        repo = dnf.repo.Repo(facts["id"], conf)
        repo.baseurl = ["file://" + facts["path"]]
        repo.priority = facts.get("priority", 99)
        repo.cost = facts.get("cost", 1000)
        repo.module_hotfixes = facts.get("hotfixes", False)
        for name in ("excludepkgs", "includepkgs"):
            if facts.get(name):
                setattr(repo, name, facts[name])
        repo.skip_if_unavailable = False
        repo.metadata_expire = -1
        base.repos.add(repo)
    base.fill_sack(load_system_repo=False)
    return base


def answer(base, request):
    base.conf.install_weak_deps = request["weak"]
    base.conf.best = request["best"]
    try:
        base.install_specs(request["specs"])
        base.resolve()
    except dnf.exceptions.Error as error:
        return {"error": str(error)[:2000]}
    chosen = sorted("%s-%s.%s" % (item.pkg.name, item.pkg.evr, item.pkg.arch) for item in base.transaction if item.action in dnf.transaction.FORWARD_ACTIONS)
    return {"nevras": chosen}


shared = None
for line in sys.stdin:
    wanted = json.loads(line)
    if wanted.get("enable") or any(spec.startswith("@") for spec in wanted["specs"]):
        base = make(wanted["weak"], wanted["best"])
        try:
            if wanted.get("enable"):
                dnf.module.module_base.ModuleBase(base).enable(wanted["enable"])
            result = answer(base, wanted)
        except dnf.exceptions.Error as error:
            result = {"error": str(error)[:2000]}
        base.close()
    else:
        shared = shared or make(True, True)
        shared.reset(goal=True)
        result = answer(shared, wanted)
    print(json.dumps(result), flush=True)

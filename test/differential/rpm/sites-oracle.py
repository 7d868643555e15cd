"""Answers requests over several repositories with dnf's own Base.install and resolve. A site a line: {"folder", "arch", "repos", "excludes", "rpms", "requests"}.

"repos": a folder of .repo files; "rpms": files that are installed before, as far as the rpm database goes. A request with "mode" is asked as DnfMode of dnf.ts says. Out: for each request
{"chosen": ["name-evr.arch repository"]} or {"error"}.
"""
import json
import os
import subprocess
import sys

import dnf
import hawkey


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
    base.fill_sack(load_system_repo=bool(site["rpms"]) and request.get("mode") != "alldeps")
    return base


def named(base, spec, newest):
    query = dnf.subject.Subject(spec).get_best_query(base.sack).available()
    if newest:
        query = query.filter(latest_per_arch_by_priority=True)
    if not query:
        raise dnf.exceptions.Error("nothing is named " + spec)
    return list(query)


def alone(base, package, weak):
    """What installing this one package brings, what goes back to an older version for it too, which the plugin of dnf download leaves out; None if it cannot be."""
    goal = hawkey.Goal(base.sack)
    goal.install(package)
    if not goal.run(ignore_weak_deps=not weak):
        return None
    return goal.list_installs() + goal.list_upgrades() + goal.list_downgrades()


def modal(base, request):
    """Packages of a request that is not dnf install."""
    mode = request["mode"]
    asked = [package for spec in request["specs"] for package in named(base, spec, not mode.startswith("versions"))]
    found = set(asked)
    if mode == "versions-closed":
        base.install_specs(request["specs"])
        base.resolve()
        found = {item.pkg for item in base.transaction if item.action in dnf.transaction.FORWARD_ACTIONS}
    if mode in ("union", "alldeps", "versions-closed"):
        for package in asked:
            brought = alone(base, package, request["weak"])
            if brought is None and mode != "versions-closed":
                raise dnf.exceptions.Error("cannot be had by itself: %s" % package)
            found.update([package] + brought if brought is not None else [])
    best = {}
    for package in found:
        rank = lambda each: (each.repo.priority, each.repo.cost)
        before = best.get(str(package))
        if before is None or rank(package) < rank(before):
            best[str(package)] = package
    return best.values()


def answer(site, request):
    base = make(site, request)
    try:
        mode = request.get("mode")
        if mode == "optional":
            base.env_group_install(request["specs"], list(base.conf.group_package_types) + ["optional"])
            base.resolve()
        elif mode:
            return {"chosen": sorted({"%s-%s.%s %s" % (pkg.name, pkg.evr, pkg.arch, pkg.reponame) for pkg in modal(base, request)})}
        else:
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

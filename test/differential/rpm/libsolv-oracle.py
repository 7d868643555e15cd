"""Answers small package universes with libsolv itself (python3-solv), with the flags that dnf sets. One JSON document per line in and out.

In: {"arch", "twins", "repositories": [{"priority", "cost", "installed"}], "packages": [{"n", "e", "a", "r", "deps": {kind: [text]}, "files": [path]}],
"jobs": [{"install": [[package numbers]], "weak", "best", "multiversion": [name]}]}. Out: for each job the numbers taken, or null.
"""
import json
import sys

import solv

KINDS = {
    "provides": solv.SOLVABLE_PROVIDES, "requires": solv.SOLVABLE_REQUIRES, "conflicts": solv.SOLVABLE_CONFLICTS, "obsoletes": solv.SOLVABLE_OBSOLETES,
    "recommends": solv.SOLVABLE_RECOMMENDS, "suggests": solv.SOLVABLE_SUGGESTS, "supplements": solv.SOLVABLE_SUPPLEMENTS, "enhances": solv.SOLVABLE_ENHANCES,
}
OPERATORS = {"=": solv.REL_EQ, "<": solv.REL_LT, ">": solv.REL_GT, "<=": solv.REL_LT | solv.REL_EQ, ">=": solv.REL_GT | solv.REL_EQ}
URPM_REORDER = 23
KEEP_EXPLICIT_OBSOLETES = 11  # dnf sets it; the bindings do not name it


def dependency(pool, text):
    if text.startswith("("):
        return pool.parserpmrichdep(text)
    name, _, rest = text.partition(" ")
    dep = pool.Dep(name)
    if rest:
        op, evr = rest.split()
        dep = dep.Rel(OPERATORS[op], pool.Dep(evr))
    return dep


def build(document):
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch(document["arch"])
    if document.get("twins"):
        pool.set_flag(solv.Pool.POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1)
    repos = []
    for index, facts in enumerate(document["repositories"]):
        repo = pool.add_repo("r%d" % index)
        repo.priority = -facts.get("priority", 99)
        repo.subpriority = -facts.get("cost", 1000)
        if facts.get("installed"):
            pool.installed = repo
        repos.append(repo)
    solvables = []
    for item in document["packages"]:
        s = repos[item.get("r", 0)].add_solvable()
        s.name, s.evr, s.arch, s.vendor = item["n"], item["e"], item["a"], "v"
        for kind, texts in item.get("deps", {}).items():
            for text in texts:
                s.add_deparray(KINDS[kind], dependency(pool, text))
        s.add_deparray(solv.SOLVABLE_PROVIDES, dependency(pool, "%s = %s" % (item["n"], item["e"])))
        for path in item.get("files", []):
            s.add_deparray(solv.SOLVABLE_PROVIDES, pool.Dep(path))
        solvables.append(s)
    pool.createwhatprovides()
    return pool, solvables


def answer(pool, solvables, request):
    jobs = []
    for candidates in request["install"]:
        chosen = [solvables[index].id for index in candidates]
        how = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SETARCH | (solv.Job.SOLVER_FORCEBEST if request.get("best") else 0)
        if len(chosen) == 1:  # as libdnf does
            jobs.append(pool.Job(how | solv.Job.SOLVER_SOLVABLE, chosen[0]))
        else:
            jobs.append(pool.Job(how | solv.Job.SOLVER_SOLVABLE_ONE_OF, pool.towhatprovides(chosen)))
    for name in request.get("multiversion", []):
        jobs.append(pool.Job(solv.Job.SOLVER_MULTIVERSION | solv.Job.SOLVER_SOLVABLE_PROVIDES, pool.Dep(name).id))
    solver = pool.Solver()
    for flag in (solv.Solver.SOLVER_FLAG_ALLOW_VENDORCHANGE, solv.Solver.SOLVER_FLAG_ALLOW_DOWNGRADE, solv.Solver.SOLVER_FLAG_KEEP_ORPHANS, solv.Solver.SOLVER_FLAG_BEST_OBEY_POLICY,
                 solv.Solver.SOLVER_FLAG_YUM_OBSOLETES, KEEP_EXPLICIT_OBSOLETES, URPM_REORDER):
        solver.set_flag(flag, 1)
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 0 if request["weak"] else 1)
    if solver.solve(jobs):
        return None
    taken = {s.id for s in solver.transaction().newsolvables()}
    return [index for index, s in enumerate(solvables) if s.id in taken]


for line in sys.stdin:
    loaded = json.loads(line)
    universe = build(loaded)
    print(json.dumps([answer(*universe, request) for request in loaded["jobs"]]), flush=True)

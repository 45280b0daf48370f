"""A million people for half a year: epipolis beside Covasim, each run in a process of its own.

    .venv/bin/python benchmarks/twin.py [--quick] [--runs 3] [--without-peer]

Covasim 3.1.9 with its hybrid population and its defaults runs in `.venv-peers`, made on first use from
`benchmarks/peers/requirements.txt`. Both sides build their population and run 180 days; building ends with everyone's
typical week here and with everyone's contacts there. Both have loaded their compiled functions with a small run before
the clock starts. They take turns, so that a busy machine slows both. The epidemics are not the same: the infections of
each are in the rows. "the same contacts" runs ours on Covasim's own kind of population with its published disease.
Memory is the peak of the whole process, interpreter included.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from _peers import PYTHON, SCRIPTS, install_peers
from _report import Report

HERE = Path(__file__).parent
PEER = "Covasim 3.1.9"
TAIPEI = HERE.parents[1] / "shared" / "data" / "taipei_city"
DAYS = 180
Figures = dict[str, float]


def ours(what: str, people: int) -> Figures:
    """Build and run once after a small run; seconds, infections and the peak MiB of this process."""
    from epipolis.engines.twin import build_city, load_disease, simulate
    from epipolis.engines.twin.worlds import world_of

    disease, measures = load_disease("covid_19_ancestral"), ()
    if what == "response":
        measures = response(people)
    if what == "held":
        measures = held()
    simulate(build_city(2_000, seed=1), disease, response(2_000), days=30, seed=1)
    start = time.perf_counter()
    city = taipei() if what == "taipei" else build_city(people, seed=1)
    world_of(city)
    built = time.perf_counter()
    result = simulate(city, disease, measures, days=DAYS, seed=1)
    return _figures(start, built, result)


def ours_on_their_contacts(people: int) -> Figures:
    """The published disease on households, school, work and community of Covasim's kind."""
    from epipolis.engines.twin import load_disease, simulate
    from epipolis.engines.twin.mixing import hybrid_population

    disease = load_disease("covasim_default")
    simulate(hybrid_population(2_000, seed=1), disease, days=30, seed=1)
    start = time.perf_counter()
    mixing = hybrid_population(people, seed=1)
    built = time.perf_counter()
    return _figures(start, built, simulate(mixing, disease, days=DAYS, seed=1, introduced=20))


def ours_ensemble(people: int) -> Figures:
    """Eight seeds on all cores, the city built before them."""
    from epipolis.engines.twin import build_city, load_disease, simulate_many

    disease = load_disease("covid_19_ancestral")
    simulate_many(build_city(2_000, seed=1), disease, (), days=30, seeds=range(2))
    start = time.perf_counter()
    city = build_city(people, seed=1)
    built = time.perf_counter()
    results = simulate_many(city, disease, (), days=DAYS, seeds=range(8))
    return _figures(start, built, *results)


def _figures(start: float, built: float, *results) -> Figures:
    ended = time.perf_counter()
    totals = [result.summary() for result in results]
    return {
        "build": built - start,
        "run": ended - built,
        "infections": sum(total["infections"] for total in totals),
        "deaths": sum(total["deaths"] for total in totals),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def response(people: int) -> tuple:
    """Tests, tracing by hand and by telephone, quarantine and vaccination; the epidemic still runs its course."""
    from epipolis.engines.twin import (
        IsolateCases,
        QuarantineHouseholds,
        Testing,
        TraceByBluetooth,
        TraceContacts,
        Vaccinate,
        load_disease,
    )

    vaccine = load_disease("covid_19_ancestral").vaccine_names[0]
    return (
        Testing(first_day=20, symptomatic=0.4, capacity_per_100k=300),
        IsolateCases(first_day=20, compliance=0.7),
        QuarantineHouseholds(first_day=20, compliance=0.6),
        TraceContacts(first_day=20, capacity_per_100k=50, compliance=0.6),
        TraceByBluetooth(first_day=20, uptake=0.3, follows=0.5),
        Vaccinate(first_day=60, vaccine=vaccine, per_day=people // 500),
    )


def held() -> tuple:
    """Orders that leave one person in twenty infected after half a year."""
    from epipolis.engines.twin import FewerOutings, Masks, Schools, WorkFromHome

    return (
        Masks(first_day=7, effect=0.6),
        FewerOutings(first_day=7, share=0.5),
        WorkFromHome(first_day=7, share=0.7),
        Schools(first_day=7, mode="half_classes"),
    )


def taipei():
    """Taipei by village and age group, read from its files."""
    from epipolis.engines.twin import build_city
    from epipolis.engines.twin.area_files import read_areas

    return build_city(areas=read_areas(TAIPEI), seed=1, name="Taipei")


def alone(name: str, people: int) -> Figures:
    """One of OURS in a fresh process."""
    command = [sys.executable, __file__, "--one", name, "--people", str(people)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


def covasim(people: int, *options: str) -> Figures:
    """One run of Covasim in its own environment."""
    command = [PYTHON, SCRIPTS / "covasim_run.py", "time"]
    sizes = ["--people", str(people), "--days", str(DAYS)]
    return json.loads(subprocess.run([*command, *sizes, *options], capture_output=True, text=True, check=True).stdout)


OURS = {
    "plain": lambda people: ours("plain", people),
    "response": lambda people: ours("response", people),
    "held": lambda people: ours("held", people),
    "same contacts": ours_on_their_contacts,
    "ensemble": ours_ensemble,
    "taipei": lambda people: ours("taipei", people),
}


def _seconds(runs: list[Figures]) -> list[float]:
    return [run["build"] + run["run"] for run in runs]


def _each(runs: list[Figures], name: str) -> list[float]:
    return [run[name] for run in runs]


def _per_infection(runs: list[Figures]) -> list[float]:
    return [run["run"] / run["infections"] * 1e6 for run in runs]


def _infections(runs: list[Figures]) -> str:
    return f"{median(_each(runs, 'infections')):,.0f} infections"


def compare(people: int, count: int, with_peer: bool) -> dict[str, list[Figures]]:
    """Every run, ours and the peer's in turn."""
    found: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(count):
        for name in ("plain", "response", "held", "same contacts"):
            found[name].append(alone(name, people))
        found["ensemble"].append(alone("ensemble", people // 10))
        if with_peer:
            found["covasim"].append(covasim(people))
            found["covasim lasting"].append(covasim(people, "--lasting-immunity"))
    if with_peer:
        found["covasim held"].append(covasim(people, "--beta", "0.0075"))
    return found


def tell(report: Report, found: dict[str, list[Figures]], people: int) -> None:
    """The rows of the million (or of as many as were asked for)."""
    size = f"{people:,} people, {DAYS} days"
    plain, peer = found["plain"], found["covasim"]
    sides = f"{_infections(plain)} beside {_infections(peer)}" if peer else _infections(plain)
    report.row(f"{size}, built and run ({sides})", _seconds(plain), _seconds(peer), peer_name=PEER)
    report.row("the same, run alone", _each(plain, "run"), _each(peer, "run"), peer_name=PEER)
    same, lasting = found["same contacts"], found["covasim lasting"]
    report.row(
        f"the same contacts and disease, built and run ({_infections(same)})",
        _seconds(same),
        _seconds(lasting),
        peer_name=f"{PEER}, lasting immunity",
    )
    report.row("the same contacts and disease, run alone", _each(same, "run"), _each(lasting, "run"), peer_name=PEER)
    report.row("peak memory", _each(plain, "mib"), _each(peer, "mib"), unit="MiB", peer_name=PEER)
    full = found["response"]
    what = f"tests, tracing, quarantine, vaccination ({_infections(full)})"
    report.row(what, _seconds(full))
    report.row("… run, for each infection", _per_infection(full), _per_infection(plain), unit="us", peer_name="plain run")
    few = found["held"]
    share = median(_each(few, "infections")) / people
    report.row(f"held at {share:.1%} infected, run", _each(few, "run"), _each(plain, "run"), peer_name="plain run")
    if found["covasim held"]:
        cov = found["covasim held"]
        share = median(_each(cov, "infections")) / people
        report.row(f"… beside {PEER} at {share:.1%}, run", _each(few, "run"), _each(cov, "run"), peer_name=PEER)
    many = found["ensemble"]
    report.row(f"{people // 10:,} people, 8 seeds, built and run ({_infections(many)})", _seconds(many))


def tell_taipei(report: Report, runs: list[Figures]) -> None:
    report.row("Taipei, 2.6 million by village: build", _each(runs, "build"))
    report.row(f"Taipei: {DAYS} days ({_infections(runs)})", _each(runs, "run"))
    report.row("Taipei: peak memory", _each(runs, "mib"), unit="MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the people, one run each")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without-peer", action="store_true", help="only epipolis")
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--one", choices=OURS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(OURS[options.one](options.people)))
        return
    people = options.people // (10 if options.quick else 1)
    if not options.without_peer:
        install_peers()
    report = Report("twin" + ("_quick" if options.quick else ""))
    count = 1 if options.quick else options.runs
    tell(report, compare(people, count, not options.without_peer), people)
    if TAIPEI.exists() and not options.quick:
        tell_taipei(report, [alone("taipei", 0) for _ in range(count)])
    report.save()


if __name__ == "__main__":
    main()

"""Run Covasim in an environment of its own and print what it took and found, as JSON.

    .venv-peers/bin/python benchmarks/peers/covasim_run.py time --people 1000000 --days 180
    .venv-peers/bin/python benchmarks/peers/covasim_run.py reference --people 20000 --days 180 --seeds 20

`time`: seconds to build the hybrid population and to run it, infections, deaths and the peak memory of this process.
`reference`: infections, deaths and the day of the peak for each seed, to compare with the twin on the same contacts.
Needs `requirements.txt` beside this file; nothing of epipolis is imported.
"""

import argparse
import json
import os
import resource
import sys
import time

os.environ["COVASIM_VERBOSE"] = "0"  # before the import, which otherwise prints its licence

import covasim as cv
import numpy as np


def population(options: argparse.Namespace, seed: int) -> cv.Sim:
    """The hybrid population with the defaults, but for what the options say."""
    changed = {"beta": options.beta} if options.beta else {}
    return cv.Sim(
        pop_size=options.people,
        pop_type="hybrid",
        n_days=options.days,
        rand_seed=seed,
        verbose=0,
        use_waning=not options.lasting_immunity,
        interventions=response() if options.response else [],
        **changed,
    )


def response() -> list[cv.Intervention]:
    """Tests for the ill and for contacts, tracing with quarantine, and a dose a day for half a per cent."""
    layers = {"h": 1.0, "s": 0.5, "w": 0.5, "c": 0.2}
    return [
        cv.test_prob(symp_prob=0.2, asymp_prob=0.001, symp_quar_prob=0.5, asymp_quar_prob=0.3, test_delay=1, start_day=20),
        cv.contact_tracing(trace_probs=layers, trace_time=dict.fromkeys(layers, 1), start_day=20),
        cv.vaccinate_prob(vaccine="pfizer", days=np.arange(20, 120), prob=0.005),
    ]


def timed(options: argparse.Namespace) -> dict[str, float]:
    """Build and run once, after a small run that loads the compiled functions."""
    small = argparse.Namespace(**{**vars(options), "people": 2_000, "days": 30})
    population(small, 1).run()
    start = time.perf_counter()
    sim = population(options, options.seed)
    sim.initialize()
    built = time.perf_counter()
    sim.run()
    ended = time.perf_counter()
    return {
        "build": built - start,
        "run": ended - built,
        "infections": float(sim.summary["cum_infections"]),
        "deaths": float(sim.summary["cum_deaths"]),
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def peak_day(infections: np.ndarray) -> int:
    """The day in the middle of the seven with most infections."""
    return int(np.convolve(infections, np.ones(7), "valid").argmax()) + 3


def reference(options: argparse.Namespace) -> dict[str, object]:
    """One run for each seed; infections count those of the first day too."""
    runs = []
    for seed in range(1, options.seeds + 1):
        sim = population(options, seed)
        sim.run()
        runs.append(
            {
                "infections": int(sim.summary["cum_infections"]),
                "symptomatic": int(sim.summary["cum_symptomatic"]),
                "severe": int(sim.summary["cum_severe"]),
                "deaths": int(sim.summary["cum_deaths"]),
                "peak_day": peak_day(sim.results["new_infections"].values),
            }
        )
    return {
        "made_by": f"Covasim {cv.__version__}, benchmarks/peers/covasim_run.py",
        "population": "hybrid, defaults, lasting immunity" if options.lasting_immunity else "hybrid, defaults",
        "people": options.people,
        "days": options.days,
        "introduced": 20,
        "runs": runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("time", "reference"))
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--beta", type=float, help="chance of infection, in place of the default")
    parser.add_argument("--lasting-immunity", action="store_true", help="nobody is infected twice")
    parser.add_argument("--response", action="store_true", help="tests, tracing, quarantine and vaccination")
    options = parser.parse_args()
    found = timed(options) if options.what == "time" else reference(options)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

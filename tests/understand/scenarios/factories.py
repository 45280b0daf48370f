"""Small scenarios to test with."""

from datetime import UTC, datetime

from epipolis.understand.scenarios import queries, services

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def content(*kinds, people=2_000, days=20, seeds=2, **more):
    found = queries.empty_content("covid_19_ancestral", NOW.date())
    found |= {"city": {"kind": "procedural", "people": people, "seed": 1}, "days": days, "seeds": seeds, **more}
    found["measures"] = [queries.new_measure(kind, found, cost_per_day=100.0) for kind in kinds]
    return found


def scenario(*kinds, by, name="As is", shared=False, **more):
    made = services.make_scenario(name, "", content(*kinds, **more), by=by, at=NOW)
    if shared:
        services.share_scenario(made.id, shared=True, by=by, at=NOW)
    return made


def simulated(*kinds, by, deliver, name="As is", **more):
    """A scenario that was made and run."""
    made = scenario(*kinds, by=by, name=name, **more)
    services.start_run(queries.version(made), by=by, at=NOW)
    deliver()
    return made

"""What the city does about the infections it finds: tests, isolation, quarantine, tracing, vaccination."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from epipolis.engines.twin.contacts import Asked
from epipolis.engines.twin.courses import NEVER
from epipolis.engines.twin.draws import Flags, Floats, Ints, key, pick, uniform
from epipolis.engines.twin.epidemics import Epidemic
from epipolis.engines.twin.measures import (
    LAYERS,
    CheckFence,
    IsolateCases,
    Measure,
    QuarantineHouseholds,
    Testing,
    TraceByBluetooth,
    TraceContacts,
    Vaccinate,
    age_range,
)
from epipolis.engines.twin.rules import Orders, follows

_OTHERS_ILL = 0.002
"""Share of people who, on any day, fall ill alike of something else and are tested for it as often."""
_DETECTABLE_AFTER = 5
"""Days for which a sample still finds what is no longer infectious."""
_CLOSE_MINUTES = 15
"""Shortest time in one place that tracers ask for (WHO 2020)."""
_REMEMBERED_DAYS = 10
"""Days that the telephones look back."""
_WAITS_FOR_MONDAY = 0.55
_LATE = 0.2
"""What is left of a test's sensitivity before and after."""


@dataclass(eq=False)
class Response:
    """What is under way: by day, the infections to be sampled, those with a positive result, and the cases to be traced."""

    samples: dict[int, list[Ints]] = field(default_factory=lambda: defaultdict(list))
    results: dict[int, list[Ints]] = field(default_factory=lambda: defaultdict(list))
    cases: dict[int, list[Ints]] = field(default_factory=lambda: defaultdict(list))
    isolated: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    quarantined: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    queues: dict[int, Ints] = field(default_factory=dict)
    """Of each vaccination (by its id): who is still to come, in order."""
    doses: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """Of each vaccination (by its id): later doses that are due, by day."""
    others: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """By day: contacts who are to be tested and have nothing."""
    units: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    questions: int = 0
    seen: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    """Per person, the number of the last question by which they were found."""
    paid: dict[int, float] = field(default_factory=dict)
    tests: int = 0
    confirmed: int = 0
    traced: int = 0
    vaccinated: int = 0


def respond(epidemic: Epidemic, orders: Orders, response: Response) -> None:
    """The work of the day's end: after `advance`, for the day just lived."""
    day = epidemic.day - 1
    response.tests = response.confirmed = response.traced = response.vaccinated = 0
    for testing in orders.of(Testing):
        _test(epidemic, orders, response, testing, day)
    _finish_testing(epidemic, orders, response, day)
    _confirm(epidemic, orders, response, day)
    for tracing in orders.of(TraceContacts):
        _trace(epidemic, orders, response, tracing, day)
    for bluetooth in orders.of(TraceByBluetooth):
        _warn(epidemic, orders, response, bluetooth, day)
    for vaccination in orders.of(Vaccinate):
        _vaccinate(epidemic, response, vaccination, day)


def _delays(epidemic: Epidemic, purpose: str, who: Ints, mean: float) -> Ints:
    """Whole days of a Poisson distribution."""
    days = np.arange(15)
    logs = -mean + days * np.log(max(mean, 1e-9)) - np.cumsum(np.log(np.maximum(days, 1)))
    return pick(np.exp(logs), uniform(epidemic.seed, purpose, who)) if len(who) else np.zeros(0, np.int64)


def _on_working_day(epidemic: Epidemic, who: Ints, days: Ints) -> Ints:
    """Some of what falls on a Saturday or Sunday is done on the Monday after."""
    weekday = (epidemic.start.weekday() + days) % 7
    waits = (weekday >= 5) & (uniform(epidemic.seed, "waits for Monday", who, days) < _WAITS_FOR_MONDAY)
    return np.asarray(days + np.where(waits, 7 - weekday, 0), np.int64)


def _schedule(agenda: dict[int, list[Ints]], rows: Ints, days: Ints) -> None:
    for day in np.unique(days).tolist():
        agenda[day].append(rows[days == day])


def _due(agenda: dict[int, list[Ints]], day: int) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *agenda.pop(day, [])]).astype(np.int64)


def _test(epidemic: Epidemic, orders: Orders, response: Response, testing: Testing, day: int) -> None:
    rows, people = epidemic.rows, len(epidemic.bodies)
    ill, takes_part = epidemic.onsets, orders.compliance(epidemic, testing)
    seeks = uniform(epidemic.seed, "tested", rows["person"][ill]) < testing.symptomatic * takes_part[rows["person"][ill]]
    ill = ill[seeks]
    delays = _delays(epidemic, "to sample", rows["person"][ill], testing.days_to_sample)
    _schedule(response.samples, ill, _on_working_day(epidemic, rows["person"][ill], day + delays))
    response.samples[day].append(epidemic.live["row"][epidemic.live["severe_on"] == day])  # every hospital tests
    due = _waiting(epidemic, response, day)
    if testing.screening > 0:
        infected = epidemic.live["row"][uniform(epidemic.seed, "screened", epidemic.live["person"], day) < testing.screening]
        due = np.union1d(due, infected[_is_free(epidemic, infected, day)]).astype(np.int64)
    others = response.others.pop(day, 0)
    others += round(_OTHERS_ILL * testing.symptomatic * float(takes_part.sum()) + people * testing.screening)
    _take_samples(epidemic, response, testing, due, others, day)


def _finish_testing(epidemic: Epidemic, orders: Orders, response: Response, day: int) -> None:
    """Who waits for a sample when testing ends still gets it; nobody else does."""
    begun = [measure for measure in orders.measures if isinstance(measure, Testing) and measure.first_day <= day]
    if begun and not orders.of(Testing) and (response.samples.get(day) or response.others.get(day)):
        due = _waiting(epidemic, response, day)
        _take_samples(epidemic, response, begun[-1], due, response.others.pop(day, 0), day)


def _waiting(epidemic: Epidemic, response: Response, day: int) -> Ints:
    due = _each_once(_due(response.samples, day), epidemic.count)
    return due[_is_free(epidemic, due, day)]


def _take_samples(epidemic: Epidemic, response: Response, testing: Testing, due: Ints, others: int, day: int) -> None:
    """Sample the infected who are `due` and so many others, as far as there are tests, and set down when each result comes."""
    rows, people = epidemic.rows, len(epidemic.bodies)
    if testing.capacity_per_100k is not None:
        most = int(testing.capacity_per_100k * people / 100_000)
        count = _in_time(epidemic, most, len(due), others)
        is_in_time = _smallest(uniform(epidemic.seed, "in time", rows["person"][due], day), count)
        later, due, others = due[~is_in_time], due[is_in_time], min(others, most - count)
        response.samples[day + 1].append(later[rows["over_on"][later] > day])  # who is well again no longer waits
    response.tests += len(due) + others
    response.units[id(testing)] += len(due) + others
    one = rows[due]
    is_first = one["sampled_on"] == NEVER
    rows["sampled_on"][due] = day
    best = (one["sheds"] - 1 <= day) & (day <= one["shed"] + _DETECTABLE_AFTER)
    found = uniform(epidemic.seed, "found", one["person"], day) < testing.sensitivity * np.where(best, 1.0, _LATE)
    results = day + _delays(epidemic, "to result", one["person"], testing.days_to_result)
    rows["result_on"][due] = results = _on_working_day(epidemic, one["person"], results)
    rows["first_sampled_on"][due[is_first]], rows["first_result_on"][due[is_first]] = day, results[is_first]
    positive = found & (one["confirmed_on"] == NEVER)
    _schedule(response.results, due[positive], results[positive])


def _each_once(infections: Ints, count: int) -> Ints:
    """In order and without repetition: a mark for each infection is quicker than to sort those who wait for days."""
    is_there = np.zeros(count, bool)
    is_there[infections] = True
    return np.flatnonzero(is_there)


def _smallest(draws: Floats, count: int) -> Flags:
    """The `count` smallest draws."""
    chosen = np.ones(len(draws), bool)
    if count < len(draws):
        chosen[np.argpartition(draws, count)[count:]] = False
    return chosen


def _is_free(epidemic: Epidemic, infections: Ints, day: int) -> Flags:
    """Who is not known yet and waits for no result: a sample that found nothing may be followed by another."""
    sampled, result, confirmed = (epidemic.rows[name][infections] for name in ("sampled_on", "result_on", "confirmed_on"))
    return np.asarray((confirmed == NEVER) & ~((sampled < NEVER) & (result >= day)), bool)


def _in_time(epidemic: Epidemic, most: int, due: int, others: int) -> int:
    """How many of those who are infected are among the `most` tests of a day."""
    if due + others <= most:
        return due
    return min(due, int(most * due / (due + others) + uniform(epidemic.seed, "one more in time", epidemic.day)[0]))


def _confirm(epidemic: Epidemic, orders: Orders, response: Response, day: int) -> None:
    rows = epidemic.rows
    cases = np.unique(_due(response.results, day))
    cases = cases[rows["confirmed_on"][cases] == NEVER]
    rows["confirmed_on"][cases] = rows["result_on"][cases] = day
    response.confirmed = len(cases)
    response.cases[day].append(cases)
    who = rows["person"][cases]
    for isolation in orders.of(IsolateCases):
        stay_home(epidemic, response.isolated, who[obeys(epidemic, orders, isolation, who)], day, day + isolation.days)
        response.units[id(isolation)] += len(who)
    for quarantine in orders.of(QuarantineHouseholds):
        members = np.setdiff1d(epidemic.world.household_of(who)[0], who)
        stays = members[obeys(epidemic, orders, quarantine, members)]
        stay_home(epidemic, response.quarantined, stays, day, day + quarantine.days)
        response.units[id(quarantine)] += len(members)
        for testing in orders.of(Testing):
            _test_contacts(epidemic, orders, response, testing, members, day)


def obeys(epidemic: Epidemic, orders: Orders, measure: Measure, who: Ints) -> Flags:
    """Who of those told to stay at home does; where the fence is checked, more."""
    raised = max([0.0, *(fence.raises_compliance_to for fence in orders.of(CheckFence))])
    own = orders.compliance(epidemic, measure)[who]
    return np.asarray(uniform(epidemic.seed, "stays at home", who) < np.maximum(own, raised), bool)


def stay_home(epidemic: Epidemic, counts: dict[int, int], who: Ints, day: int, until: int) -> None:
    """People stay at home from the next day up to `until`; only days that are new to them are counted."""
    until = min(until, NEVER)
    who = who[epidemic.bodies["away_until"][who] < NEVER]  # not the dead
    before = epidemic.bodies["home_until"][who].astype(np.int64)
    begin = np.maximum(before, day) + 1
    longer = begin <= until
    for first, people in zip(*np.unique(begin[longer], return_counts=True), strict=True):
        counts[int(first)] += int(people)
    counts[until + 1] -= int(longer.sum())
    epidemic.bodies["home_until"][who] = np.maximum(before, until)


def _test_contacts(epidemic: Epidemic, orders: Orders, response: Response, testing: Testing, contacts: Ints, day: int) -> None:
    """Contacts are tested from the next day on; only the infected among them matter from there on."""
    share = testing.contacts * orders.compliance(epidemic, testing)[contacts]
    chosen = contacts[uniform(epidemic.seed, "contact tested", contacts) < share]
    row = epidemic.last_of[chosen]
    rows = epidemic.rows
    infected = (row >= 0) & (rows["over_on"][row] > day) & (rows["sampled_on"][row] == NEVER)
    response.others[day + 1] += int((~infected).sum())
    row, who = row[infected], chosen[infected]
    _schedule(response.samples, row, day + 1 + _delays(epidemic, "to sample", who, testing.days_to_sample))


def _asked(
    epidemic: Epidemic, response: Response, purpose: str, last: int, days_back: int, minutes: int, by_app: bool
) -> Asked:
    days = np.arange(max(last - days_back, 0), max(last, 0) + 1)
    weekdays = (epidemic.start.weekday() + days) % 7
    keys = np.array([key(epidemic.seed, "keeps", number) for number in days.tolist()], np.uint64)
    response.questions += 1
    return Asked(response.questions, key(epidemic.seed, purpose), days, weekdays, keys, minutes, by_app)


def _seen(epidemic: Epidemic, response: Response) -> Ints:
    if not len(response.seen):
        response.seen = np.zeros(len(epidemic.bodies), np.int32)
    return response.seen


def _quarantine_contacts(
    epidemic: Epidemic, orders: Orders, response: Response, measure: Any, contacts: Ints, day: int, share: float = 1.0
) -> None:
    response.traced += len(contacts)
    response.units[id(measure)] += len(contacts)
    stays = contacts[obeys(epidemic, orders, measure, contacts)]
    if share < 1:
        stays = stays[uniform(epidemic.seed, "follows a warning", stays) < share]
    stay_home(epidemic, response.quarantined, stays, day, day + measure.quarantine_days)
    for testing in orders.of(Testing):
        _test_contacts(epidemic, orders, response, testing, contacts, day)


def _trace(epidemic: Epidemic, orders: Orders, response: Response, tracing: TraceContacts, day: int) -> None:
    waiting = np.concatenate([np.zeros(0, np.int64), *response.cases.get(day - round(tracing.delay_days), [])]).astype(np.int64)
    if tracing.capacity_per_100k is not None:
        most = round(tracing.capacity_per_100k * len(epidemic.bodies) / 100_000)
        waiting = waiting[np.argsort(uniform(epidemic.seed, "traced first", waiting), kind="stable")[:most]]
    if not len(waiting):
        return
    shares = np.array([tracing.layers.get(layer, 0.0) for layer in LAYERS])
    who = epidemic.rows["person"][waiting]
    asked = _asked(epidemic, response, "traced", day - round(tracing.delay_days) - 1, tracing.days_back, _CLOSE_MINUTES, False)
    met = epidemic.world.contacts_of(epidemic.bodies, asked, who, shares, _seen(epidemic, response))
    _quarantine_contacts(epidemic, orders, response, tracing, met, day)


def _warn(epidemic: Epidemic, orders: Orders, response: Response, bluetooth: TraceByBluetooth, day: int) -> None:
    cases = np.concatenate([np.zeros(0, np.int64), *response.cases.get(day, [])]).astype(np.int64)
    if not len(cases):
        return
    who = epidemic.rows["person"][cases]
    asked = _asked(epidemic, response, "warned", day - 1, _REMEMBERED_DAYS, bluetooth.minutes, True)
    met = epidemic.world.contacts_of(epidemic.bodies, asked, who, np.ones(len(LAYERS)), _seen(epidemic, response))
    _quarantine_contacts(epidemic, orders, response, bluetooth, met, day, bluetooth.follows)


def _vaccinate(epidemic: Epidemic, response: Response, measure: Vaccinate, day: int) -> None:
    if id(measure) not in response.queues:
        response.queues[id(measure)] = _queue(epidemic, measure)
    queue, doses = response.queues[id(measure)], response.doses[id(measure)]
    number = epidemic.disease.vaccine_names.index(measure.vaccine)
    vaccine = epidemic.disease.vaccines[number]
    first = max(measure.per_day - doses.pop(day, 0), 0)  # who has begun comes before who has not
    who, response.queues[id(measure)] = _next(epidemic, queue, first)
    for dose in range(1, vaccine.doses):
        doses[day + round(dose * vaccine.interval_days)] += len(who)
    epidemic.vaccinated_on[who] = min(day + round((vaccine.doses - 1) * vaccine.interval_days), NEVER)
    epidemic.vaccine_of[who] = number
    naive = who[epidemic.bodies["can"][who] == 1]
    epidemic.bodies["can"][naive] = 2
    response.vaccinated += len(who)
    response.units[id(measure)] += len(who) * vaccine.doses


def _next(epidemic: Epidemic, queue: Ints, count: int) -> tuple[Ints, Ints]:
    """The first `count` of a queue who are neither vaccinated nor dead by now, and the rest of it."""
    room = count
    while True:
        front = queue[:room]
        waiting = np.flatnonzero((epidemic.vaccinated_on[front] == NEVER) & (epidemic.bodies["away_until"][front] < NEVER))
        if len(waiting) >= count or room >= len(queue):
            break
        room = 2 * room + 1
    is_enough = 0 < count <= len(waiting)
    return front[waiting[:count]], queue[waiting[count - 1] + 1 :] if is_enough else queue[len(front) :]


def _queue(epidemic: Epidemic, measure: Vaccinate) -> Ints:
    """Who accepts, group after group, by chance within each."""
    world = epidemic.world
    rank = np.full(len(world.age), len(measure.priority))
    for number, group in reversed(list(enumerate(measure.priority))):
        rank[_group(epidemic, group)] = number
    willing = follows(epidemic, measure, measure.acceptance) & (rank < len(measure.priority))
    who = np.flatnonzero(willing)
    return who[np.lexsort((uniform(epidemic.seed, "vaccinated first", who), rank[who]))]


def _group(epidemic: Epidemic, name: str) -> Flags | slice:
    world = epidemic.world
    if name in ("care", "staff"):
        return world.is_resident if name == "care" else world.is_carer
    if name == "rest":
        return slice(None)
    first, last = age_range(name)
    return np.asarray((world.age >= first) & (world.age <= last), bool)

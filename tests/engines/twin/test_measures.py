from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.engines.twin import measures
from epipolis.engines.twin.measure_files import read_measures, write_measures
from epipolis.engines.twin.measures import (
    FIGURES,
    LAYERS,
    MEASURES,
    CheckFence,
    ClosePlaces,
    Curfew,
    IsolateCases,
    LimitCapacity,
    Masks,
    Measure,
    Schools,
    TraceContacts,
    Trigger,
    Vaccinate,
    age_range,
)
from epipolis.engines.twin.places import CODES

WORDS = """\
- isolate_cases
- masks: {from: 24, until: 60, effect: 0.5, compliance: 0.7, compliance_by_age: {"0-17": 0.4}, layers: [place, transit]}
- close_places: {places: [bar, cinema], when: {what: cases, above: 50}}
- testing: {symptomatic: .9, capacity_per_100k: 400, cost_per_unit: 25}
- vaccinate: {vaccine: mRNA, per_day: 500, title: The spring campaign}
"""
DECLARED = (
    IsolateCases(),
    Masks(first_day=24, last_day=60, compliance=0.7, compliance_by_age={"0-17": 0.4}, layers=("place", "transit")),
    ClosePlaces(("bar", "cinema"), trigger=Trigger("cases", above=50)),
    measures.Testing(symptomatic=0.9, capacity_per_100k=400, cost_per_unit=25),
    Vaccinate("mRNA", 500, title="The spring campaign"),
)


def said(call):
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    return str(caught.value)


# --- in Python


def test_a_measure_is_in_force_from_its_first_to_its_last_day():
    masks = Masks(first_day=3, last_day=5)

    assert [day for day in range(9) if masks.is_in_force(day)] == [3, 4, 5]
    assert IsolateCases().is_in_force(10_000)


def test_kinds_are_named_as_in_a_file():
    assert [kind.kind() for kind in MEASURES] == [
        *("testing", "isolate_cases", "quarantine_households", "trace_contacts", "trace_by_bluetooth", "check_fence", "masks"),
        *("close_places", "limit_capacity", "curfew", "schools", "limit_travel", "fewer_outings", "work_from_home"),
        *("vaccinate", "reduce_imports"),
    ]


@pytest.mark.parametrize(
    ("trigger", "figures", "on"),
    [
        (Trigger("cases", above=50), [50, 51, 40, 60], [False, True, False, True]),
        (Trigger("cases", above=50, for_days=2), [60, 60, 60, 40, 60], [False, True, True, False, False]),
        (Trigger("cases", below=20), [30, 10, 20], [False, True, False]),
        (Trigger("cases", above=50, below=20), [40, 60, 40, 25, 19, 40], [False, True, True, True, False, False]),
        (Trigger("cases", above=50, below=20, for_days=2), [60, 60, 10, 30, 10, 10, 30], [0, 1, 1, 1, 1, 0, 0]),
    ],
)
def test_a_trigger_begins_and_ends_a_measure(trigger, figures, on):
    found, was_on = [], False
    for day in range(len(figures)):
        was_on = trigger.is_on(figures[: day + 1], was_on)
        found.append(was_on)

    assert found == [bool(item) for item in on]


@pytest.mark.parametrize(("text", "ages"), [("0-17", (0, 17)), ("80+", (80, 200)), ("18", (18, 18)), ("0-0", (0, 0))])
def test_ages_are_read(text, ages):
    assert age_range(text) == ages


@pytest.mark.parametrize("text", ["", "kids", "17-0", "-5", "10-", "1000+", "1.5-2", "٣-٥ "])
def test_what_is_no_age_group_is_refused(text):
    assert said(lambda: age_range(text)) == f"{text!r} is no age group."


MISTAKES = [
    (lambda: Masks(effect=1.4), "masks: effect is 1.4, but must lie between 0 and 1."),
    (lambda: Masks(effect=float("nan")), "masks: effect is nan, but must lie between 0 and 1."),
    (lambda: Masks(effect=True), "masks: effect is True, but must lie between 0 and 1."),
    (lambda: Masks(title="Cover up", effect=-1), "Cover up: effect is -1, but must lie between 0 and 1."),
    (lambda: Masks(first_day=-1), "masks: first_day is -1, but must be a whole number of 0 or more."),
    (lambda: Masks(first_day=9, last_day=8), "masks: its last day is 8, but must be no earlier than its first, which is 9."),
    (lambda: Masks(layers=("home",)), f"masks: layers is 'home', but must name only {', '.join(LAYERS)}."),
    (lambda: Masks(layers=()), f"masks: layers is (), but must name at least one of {', '.join(LAYERS)}."),
    (lambda: Masks(layers="place"), "masks: layers is 'place', but must be a tuple."),
    (lambda: Masks(compliance_by_age={"kids": 0.5}), "compliance_by_age is 'kids', but must name ages such as"),
    (lambda: Masks(compliance_by_age={"0-17": 5}), "masks: compliance_by_age of 0-17 is 5, but must lie between 0 and 1."),
    (lambda: Masks(cost_per_unit=-1), "masks: cost_per_unit is -1, but must be 0 or more."),
    (lambda: ClosePlaces(("pub",)), f"close_places: places is 'pub', but must name only {', '.join(CODES)}."),
    (lambda: LimitCapacity((), 0.5), "limit_capacity: places is (), but must name at least one of"),
    (lambda: Curfew(25), "curfew: from_hour is 25, but must be an hour from 0 to 24."),
    (lambda: Schools("open"), "schools: mode is 'open', but must be one of closed, half_classes."),
    (lambda: IsolateCases(days=0), "isolate_cases: days is 0, but must be a whole number of 1 or more."),
    (lambda: TraceContacts(layers={"home": 1.0}), "trace_contacts: layers is 'home', but must name only"),
    (lambda: TraceContacts(layers={"team": 2.0}), "trace_contacts: layers of team is 2.0, but must lie between 0 and 1."),
    (lambda: Vaccinate("mRNA", 10.5), "vaccinate: per_day is 10.5, but must be a whole number of 0 or more."),
    (lambda: Vaccinate("mRNA", 1, priority=("rich",)), "vaccinate: priority is 'rich', but must name ages such as"),
    (lambda: Vaccinate("mRNA", 1, priority=("care", "care")), "vaccinate: priority is 'care', but must stand there only once."),
    (lambda: Vaccinate("mRNA", 1, priority=()), "vaccinate: priority is (), but must name somebody."),
    (lambda: Trigger("weather", above=1), f"trigger: what is 'weather', but must be one of {', '.join(FIGURES)}."),
    (lambda: Trigger("cases"), "trigger: above or below must be given."),
    (lambda: Trigger("cases", above=1, below=2), "trigger: below is 2, but must be at most above, which is 1."),
    (lambda: Trigger("cases", above=1, for_days=0), "trigger: for_days is 0, but must be a whole number of 1 or more."),
    (lambda: Masks(trigger="cases"), "masks: trigger is 'cases', but must be a Trigger."),
]


@pytest.mark.parametrize(("make", "sentence"), MISTAKES)
def test_a_mistake_is_one_sentence_with_measure_field_value_and_rule(make, sentence):
    found = said(make)

    assert found.startswith(sentence) or sentence in found
    assert found.count("\n") == 0


# --- as YAML


def test_an_officer_writes_measures_in_short_lines():
    assert read_measures(WORDS) == DECLARED


def test_measures_are_written_as_short_as_they_are_read():
    assert write_measures(DECLARED) == (
        "- isolate_cases\n"
        "- masks:\n"
        "    from: 24\n"
        "    until: 60\n"
        "    compliance: 0.7\n"
        "    compliance_by_age: {0-17: 0.4}\n"
        "    layers: [place, transit]\n"
        "- close_places:\n"
        "    when: {what: cases, above: 50}\n"
        "    places: [bar, cinema]\n"
        "- testing: {cost_per_unit: 25, symptomatic: 0.9, capacity_per_100k: 400}\n"
        "- vaccinate: {title: The spring campaign, vaccine: mRNA, per_day: 500}\n"
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]"])
def test_nothing_written_is_no_measures(text):
    assert read_measures(text) == ()


def test_a_kind_with_a_colon_and_nothing_after_it_has_its_defaults():
    assert read_measures("- isolate_cases:\n- check_fence: {}\n") == (IsolateCases(), CheckFence())


def test_codes_of_areas_stay_as_they_are_written():
    (masks,) = read_measures("- masks: {compliance_by_area: {0123: 0.5, 1e3: 0.4, no: 0.3}}")

    assert masks.compliance_by_area == {"0123": 0.5, "1e3": 0.4, "no": 0.3}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- isolate_cases\n- maks: {}\n", "Line 2: No measure is called 'maks'; choose from testing, isolate_cases,"),
        (
            "- masks:\n    effect: 0.5\n    efect: 1\n",
            "Line 3: masks: efect is not known here; what may stand here: from, until,",
        ),
        ("- masks:\n    from: 1\n    effect: 1.4\n", "Line 3: masks: effect is 1.4, but must lie between 0 and 1."),
        ("- masks: {effect: lots}\n", "Line 1: masks: effect is 'lots', but must be a number."),
        ("- masks: {effect: nan}\n", "Line 1: masks: effect is nan, but must lie between 0 and 1."),
        ("- masks: {from: soon}\n", "Line 1: masks: from is 'soon', but must be a whole number."),
        ("- masks: {from: -2}\n", "Line 1: masks: from is -2, but must be a whole number of 0 or more."),
        ("- masks: {from: 3, first_day: 4}\n", "Line 1: masks: first_day and from are the same; give one of them."),
        ("- masks: {first_day: 3, from: 4}\n", "Line 1: masks: from and first_day are the same; give one of them."),
        ("- masks: {effect: 1, effect: 1}\n", "Line 1: masks: effect stands here twice."),
        (
            "- masks: {from: 3, until: 2}\n",
            "Line 1: masks: its last day is 2, but must be no earlier than its first, which is 3.",
        ),
        ("- masks: [0.5]\n", "Line 1: masks: here a list of 'name: value' is due, not a list."),
        ("- masks: 0.5\n", "Line 1: masks: here a list of 'name: value' is due, not '0.5'."),
        ("- masks: {effect: [1]}\n", "Line 1: masks: effect: one value is due, not a list."),
        ("- masks: {? [a] : 1}\n", "Line 1: masks: a name is due before the colon."),
        ("- masks: {when: {what: cases}}\n", "Line 1: trigger: above or below must be given."),
        ("- masks: {when: {above: 3}}\n", "Line 1: masks: when: what missing."),
        ("- masks: {when: cases}\n", "Line 1: masks: when: here a list of 'name: value' is due, not 'cases'."),
        ("\n- vaccinate\n", "Line 2: vaccinate: vaccine, per_day missing."),
        ("- vaccinate: {vaccine: mRNA}\n", "Line 1: vaccinate: per_day missing."),
        ("masks: {effect: 0.5}\n", "Line 1: Measures are a list: each begins with a dash, as in '- masks: {effect: 0.5}'."),
        ("- {masks: {}, curfew: {}}\n", "Line 1: Each dash holds one measure, as in '- masks: {effect: 0.5}'."),
        ("- [masks]\n", "Line 1: Each dash holds one measure, as in '- masks: {effect: 0.5}'."),
        ("- masks: {\n", "Line 2: this is not valid YAML,"),
        ("- masks\n---\n- curfew\n", "Line 2: this is not valid YAML,"),
        ("- !!python/object/apply:os.system [ls]\n", "Line 1: Each dash holds one measure,"),
        ("- \x00\n", "This is not a text: it holds characters that YAML does not allow."),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(text, sentence):
    assert said(lambda: read_measures(text)).startswith(sentence)


@given(st.text())
def test_any_text_is_read_or_refused_in_one_sentence(text):
    try:
        measures = read_measures(text)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = "Read."
        assert all(isinstance(measure, Measure) for measure in measures)
    assert sentence.endswith(".")


SHARES = st.floats(0, 1)
AMOUNTS = st.floats(0, 1e12)
DAYS = st.integers(0, 400)
AGES = st.builds(lambda first, more: f"{first}-{first + more}", st.integers(0, 90), st.integers(0, 30)) | st.just("80+")
TRIGGERS = st.builds(
    Trigger, st.sampled_from(FIGURES), above=st.floats(50, 1e9), below=st.none() | st.floats(0, 50), for_days=st.integers(1, 9)
)
COMMON = {
    "trigger": st.none() | TRIGGERS,
    "compliance": SHARES,
    "compliance_by_age": st.dictionaries(AGES, SHARES, max_size=3),
    "compliance_by_area": st.dictionaries(st.text(), SHARES, max_size=3),
    "title": st.text(),
    "cost_per_day": AMOUNTS,
    "cost_per_person_day": AMOUNTS,
    "cost_per_unit": AMOUNTS,
}
OWN = {
    "places": st.lists(st.sampled_from(list(CODES)), min_size=1).map(tuple),
    "mode": st.sampled_from(["closed", "half_classes"]),
    "from_hour": st.floats(0, 24) | st.integers(0, 24),
    "vaccine": st.text(),
    "per_day": DAYS,
    "priority": st.lists(st.sampled_from(["80+", "care", "60-79", "staff", "rest"]), min_size=1, unique=True).map(tuple),
    "capacity_per_100k": st.none() | AMOUNTS,
    "supply_per_person_week": st.none() | AMOUNTS,
    "days": st.integers(1, 60),
    "days_back": DAYS,
    "minutes": st.integers(1, 99),
    "quarantine_days": st.integers(1, 60),
    "days_to_sample": AMOUNTS,
    "days_to_result": AMOUNTS,
    "delay_days": AMOUNTS,
}
LAYERS_OF = {
    Masks: st.lists(st.sampled_from(LAYERS), min_size=1).map(tuple),
    TraceContacts: st.dictionaries(st.sampled_from(LAYERS), SHARES),
}


def of_kind(kind):
    names = [item.name for item in fields(kind) if item.name not in ("first_day", "last_day")]
    figures = {name: COMMON.get(name, OWN.get(name, SHARES)) for name in names}
    if "layers" in figures:
        figures["layers"] = LAYERS_OF[kind]
    spans = st.tuples(DAYS, st.none() | DAYS)
    return st.builds(lambda span, **others: kind(**others, first_day=span[0], last_day=end_of(*span)), span=spans, **figures)


def end_of(first_day, longer):
    return None if longer is None else first_day + longer


@given(st.lists(st.sampled_from(MEASURES).flatmap(of_kind), max_size=4).map(tuple))
def test_measures_come_back_from_a_file_exactly_as_they_were(measures):
    assert read_measures(write_measures(measures)) == measures

from dataclasses import replace
from importlib.resources import files
from math import exp, isclose

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from epipolis.engines.twin.disease import (
    Disease,
    Duration,
    Immunity,
    Vaccine,
    Variant,
    diseases,
    load_disease,
    load_variant,
    read_disease,
)

ANCESTRAL = load_disease("covid_19_ancestral")
NAMES = ["covasim_default", "covid_19_ancestral", "covid_19_delta", "covid_19_omicron", "influenza_seasonal", "measles"]


def text_of(name):
    return (files("epipolis.engines.twin") / "diseases" / f"{name}.yaml").read_text(encoding="utf-8")


def said(call):
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    return str(caught.value)


def test_the_diseases_that_ship_are_listed():
    assert diseases() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_a_disease_has_a_source(name):
    written = yaml.safe_load(text_of(name))

    assert list(written["sources"]) == [field for field in written if field not in ("name", "sources")]
    assert load_disease(name).source.count("\n") == len(written["sources"]) - 1


def test_an_unknown_disease_is_answered_with_the_known_ones():
    assert said(lambda: load_disease("plague")) == f"No disease is called 'plague'; choose from {', '.join(NAMES)}."


def test_a_file_cannot_be_reached_through_the_name():
    assert "No disease is called" in said(lambda: load_disease("../diseases/measles"))


def test_a_variant_is_told_relative_to_the_earlier_form():
    delta = load_variant("covid_19_delta", arrives_day=40)

    ratio = load_disease("covid_19_delta").transmissibility / ANCESTRAL.transmissibility
    assert delta == Variant("covid_19_delta", ratio, severity=2.2, escape=0.1, arrives_day=40, introduced_per_100k=2.0)
    assert replace(ANCESTRAL, variants=(delta,)).variants == (delta,)


def test_a_disease_that_follows_no_other_is_no_variant():
    assert said(lambda: load_variant("measles", arrives_day=1)) == "measles is no variant of another disease."


@given(st.floats(0.01, 100), st.floats(0, 100))
def test_a_duration_gives_back_mean_and_spread_of_its_lognormal(mean, spread):
    span = Duration(mean, spread)

    variance = span.log_spread**2
    assert isclose(exp(span.log_mean + variance / 2), mean, rel_tol=1e-9)
    assert isclose((exp(variance) - 1) * mean**2, spread**2, rel_tol=1e-6, abs_tol=1e-12)
    assert span.median <= mean * (1 + 1e-12)


OUT_OF_RANGE = [
    ({"transmissibility": 0}, "transmissibility is 0, but must be above 0."),
    ({"transmissibility": float("nan")}, "transmissibility is nan, but must be above 0."),
    ({"dispersion": -1.0}, "dispersion is -1.0, but must be above 0."),
    ({"dispersion": "0.3"}, "dispersion is '0.3', but must be above 0."),
    ({"asymptomatic_infectiousness": -0.1}, "asymptomatic_infectiousness is -0.1, but must be 0 or more."),
    ({"contagion": "magic"}, "contagion is 'magic', but must be one of hazard, chance."),
    ({"first_infectious_day": 0.5}, "first_infectious_day is 0.5, but must be a whole number."),
    ({"incubation": Duration(0, 1)}, "incubation.mean is 0, but must be above 0."),
    ({"mild_to_recovered": Duration(5, -1)}, "mild_to_recovered.spread is -1, but must be 0 or more."),
    ({"isolates_when_ill": 1.5}, "isolates_when_ill is 1.5, but must lie between 0 and 1."),
    ({"imported_per_100k_daily": float("inf")}, "imported_per_100k_daily is inf, but must be 0 or more."),
    ({"immunity": Immunity(1.0, 0)}, "immunity.half_life_days is 0, but must be above 0."),
    ({"symptomatic": (0.5,) * 9}, "symptomatic has 9 figures, but must have 10."),
    ({"symptomatic": (0.5,) * 9 + (1.5,)}, "symptomatic[9] is 1.5, but must lie between 0 and 1."),
    (
        {"dies": (0.5, *ANCESTRAL.dies[1:])},
        "dies at ages 0-9 is 0.5, but must be at most critical, which is 3e-05.",
    ),
    (
        {"severe": (*ANCESTRAL.severe[:9], 0.7)},
        "severe at ages 90+ is 0.7, but must be at most symptomatic, which is 0.69.",
    ),
    ({"infectiousness": (0.5, 0.4)}, "infectiousness is 0.9, but must sum to 1 over its days (to 0.01)."),
    ({"infectiousness": ()}, "infectiousness and viral_load is 'neither', but must be given one without the other."),
    ({"incubation": None}, "incubation is None, but must be given with infectiousness."),
    (
        {"vaccines": (Vaccine("mRNA", 2, 21, 7, 1.2, 0.5),)},
        "vaccines 'mRNA'.against_infection is 1.2, but must lie between 0 and 1.",
    ),
    (
        {"vaccines": (Vaccine("mRNA", 0, 21, 7, 0.9, 0.5),)},
        "vaccines 'mRNA'.doses is 0, but must be a whole number of 1 or more.",
    ),
    ({"vaccines": (ANCESTRAL.vaccines[0],) * 2}, "vaccines is 'mRNA', but must stand there only once."),
    (
        {"variants": (Variant("delta", 2, 2, -0.1, 5, 1),)},
        "variants 'delta'.escape is -0.1, but must lie between 0 and 1.",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), OUT_OF_RANGE)
def test_a_figure_out_of_range_is_one_sentence_with_disease_field_value_and_rule(changes, sentence):
    assert said(lambda: replace(ANCESTRAL, **changes)) == f"COVID-19 (ancestral): {sentence}"


def test_stages_need_their_durations():
    staged = load_disease("covasim_default")

    assert said(lambda: replace(staged, latent=None)) == (
        "COVID-19 (Covasim's defaults): latent is None, but must be given with viral_load."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("dispersion: 0.3", "dispersion: much"), "Line 8: COVID-19 (ancestral): dispersion is 'much', but must be a number."),
        (("dispersion: 0.3", "dispersion: -3"), "Line 8: COVID-19 (ancestral): dispersion is -3.0, but must be above 0."),
        (("dispersion: 0.3", "dispersion: [0.3]"), "Line 8: COVID-19 (ancestral): dispersion: one value is due, not a list."),
        (("dispersion: 0.3", "# dispersion"), "Line 2: COVID-19 (ancestral): dispersion missing."),
        (("dispersion: 0.3", "dispersion: 0.3\ndispersion: 0.4"), "Line 9: disease: dispersion stands here twice."),
        (
            ("{mean: 5.57, spread: 2.45}", "{mean: 5.57, speed: 1}"),
            ("Line 7: COVID-19 (ancestral): incubation: speed is not known here; what may stand here: mean, spread."),
        ),
        (("name: COVID-19", "name: {COVID-19"), "is not valid YAML"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(change, sentence):
    text = text_of("covid_19_ancestral").replace(*change, 1)

    assert sentence in said(lambda: read_disease(text))


def test_an_empty_text_is_no_disease():
    assert said(lambda: read_disease("# nothing\n")) == "The text of the disease is empty."


def test_a_disease_of_ones_own_can_be_read():
    text = text_of("measles").replace("name: Measles", "name: New measles").replace("dispersion: 1.0", "dispersion: 0.5")

    found = read_disease(text)

    assert isinstance(found, Disease)
    assert (found.name, found.dispersion) == ("New measles", 0.5)

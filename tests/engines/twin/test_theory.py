from dataclasses import replace

import pytest

from epipolis.engines.twin.disease import Duration, ViralLoad, load_disease
from epipolis.engines.twin.mixing import hybrid_population, mean_contacts
from epipolis.engines.twin.theory import EUROPE, Contacts, traits

PUBLISHED = {
    "covid_19_ancestral": {
        "reproduction": (2.4, 3.4),  # Liu et al. 2020; Petersen et al. 2020
        "generation_days": (5.2, 6.5),  # Ferretti et al. 2020; He et al. 2020
        "incubation_days": (4.5, 5.8),  # Lauer et al. 2020
        "dies": (0.006, 0.012),  # O'Driscoll et al. 2021
    },
    "covid_19_delta": {
        "reproduction": (4.5, 6.0),  # Liu and Rocklöv 2021
        "generation_days": (4.1, 5.2),  # Hart et al. 2022
        "incubation_days": (3.7, 4.5),  # Galmiche et al. 2023
        "dies": (0.012, 0.028),  # the ancestral virus times Fisman and Tuite 2021
    },
    "covid_19_omicron": {
        "reproduction": (7.0, 11.0),  # Liu and Rocklöv 2022
        "generation_days": (2.5, 3.7),  # Xu et al. 2023; Backer et al. 2022
        "incubation_days": (2.9, 3.7),  # Galmiche et al. 2023
        "dies": (0.003, 0.01),  # Delta times Nyberg et al. 2022
    },
    "influenza_seasonal": {
        "reproduction": (1.19, 1.45),  # Biggerstaff et al. 2014
        "generation_days": (2.4, 3.6),  # Carrat et al. 2008; Cowling et al. 2009
        "incubation_days": (1.3, 1.5),  # Lessler et al. 2009
        "dies": (0.0003, 0.0015),  # CDC 2018-2019
    },
    "measles": {
        "reproduction": (12.0, 18.0),  # Guerra et al. 2017
        "generation_days": (11.0, 14.5),  # Vink et al. 2014; Klinkenberg and Nishiura 2011
        "incubation_days": (10.0, 12.5),  # CDC, Pink Book
        "dies": (0.001, 0.003),  # CDC
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("trait", ["reproduction", "generation_days", "incubation_days", "dies"])
def test_a_disease_lies_within_published_ranges(name, trait):
    low, high = PUBLISHED[name][trait]

    assert low <= traits(load_disease(name))[trait] <= high


def test_the_defaults_of_covasim_give_its_reproduction_on_its_contacts():
    mixing = hybrid_population(20_000, seed=1)
    counts = mean_contacts(mixing)
    contacts = {layer.name: Contacts(count, layer.weight) for layer, count in zip(mixing.layers, counts, strict=True)}

    found = traits(load_disease("covasim_default"), contacts)

    assert 2.0 <= found["reproduction"] <= 2.9
    assert 4.5 <= found["incubation_days"] <= 5.8


def test_without_saturation_infections_are_hazard_times_contact_hours():
    disease = replace(
        load_disease("measles"),
        transmissibility=1e-6,
        symptomatic=(1.0,) * 10,
        isolates_when_ill=0.0,
    )

    found = traits(disease, {"all": Contacts(10.0, 2.0)})["reproduction"]

    assert found == pytest.approx(10 * 2 * 1e-6, rel=1e-4)


def test_nobody_infects_more_people_than_they_meet():
    disease = replace(load_disease("measles"), transmissibility=1e9)

    assert traits(disease, {"all": Contacts(10.0, 2.0)})["reproduction"] == pytest.approx(10.0, rel=1e-3)


def test_those_who_stay_at_home_when_ill_infect_their_household_only():
    disease = replace(
        load_disease("influenza_seasonal"), symptomatic=(1.0,) * 10, isolates_when_ill=1.0, first_infectious_day=0
    )
    contacts = {"household": Contacts(2.0, 1.0), "other": Contacts(10.0, 1.0)}

    alone = traits(disease, {"household": contacts["household"]})["reproduction"]

    assert traits(disease, contacts)["reproduction"] == pytest.approx(alone)


def test_deaths_are_the_mean_over_those_infected_at_each_age():
    disease = replace(load_disease("measles"), susceptibility=(0.0,) * 9 + (1.0,))

    assert traits(disease)["dies"] == pytest.approx(disease.dies[9])
    assert sum(EUROPE) == pytest.approx(1.0)


def test_infectiousness_before_the_infection_itself_is_left_out():
    disease = replace(
        load_disease("measles"),
        incubation=Duration(2.0, 0.0),
        infectiousness=(0.5, 0.0, 0.5),
        first_infectious_day=-2,
        symptomatic=(1.0,) * 10,
        isolates_when_ill=0.0,
        transmissibility=1e-6,
    )

    found = traits(disease, {"all": Contacts(1.0, 1.0)})

    assert found["generation_days"] == pytest.approx(2.0)
    assert found["reproduction"] == pytest.approx(0.5e-6, rel=1e-4)


def test_high_viral_load_at_first_shortens_the_generation():
    even = replace(load_disease("covasim_default"), viral_load=ViralLoad(high_share=0.3, ratio=1.0, longest=4.0))

    steep = replace(even, viral_load=ViralLoad(high_share=0.3, ratio=5.0, longest=4.0))

    assert traits(even)["generation_days"] == pytest.approx(4.5 + 8.0 / 2 + 1.1 / 2, abs=0.3)
    assert traits(steep)["generation_days"] < traits(even)["generation_days"] - 0.5

"""The two definitions that ship, held against made-up patients: every branch with one who fits, one who does not, and one
of whom too little is known."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from epipolis.core.rules import RulePack, versions
from epipolis.sense.cases import queries
from epipolis.sense.cases.queries.evidence import Finding
from epipolis.sense.cases.services.facts import NOTHING_KNOWN

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 10)
FEVER_COUGH = {"fever": "yes", "cough": "yes"}
WELL = dict.fromkeys(
    (
        *("fever", "cough", "fatigue", "headache", "myalgia", "sore_throat", "runny_nose", "dyspnoea", "anorexia", "nausea"),
        *("vomiting", "diarrhoea", "altered_mental_status", "anosmia", "ageusia"),
    ),
    "no",
)
NINE = (
    *("pneumonia", "dyspnoea", "cough", "runny_nose", "ventilation", "respiratory_distress", "ageusia", "anosmia"),
    "sore_throat",
)


@dataclass
class Patient:
    """What is known of somebody; `tests` are (kind, result, status, of another disease)."""

    symptoms: dict[str, str] = field(default_factory=dict)
    circumstances: dict[str, str] = field(default_factory=dict)
    tests: tuple[tuple[Any, ...], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def judge(jurisdiction, patient):
    pack = next(pack for pack in versions("case_definition") if pack.jurisdiction == jurisdiction)
    facts = NOTHING_KNOWN | {"symptoms": patient.symptoms, "circumstances": patient.circumstances} | patient.facts
    tests = [Finding(*test) if len(test) > 2 else Finding(*test, "final") for test in patient.tests]
    decision = queries.decide(pack, queries.evidence(facts, tests, known=DAY), DAY)
    return decision.outcome, decision


def met(decision):
    _text, values = decision.reasons[0]
    return values.get("criterion", "")


PCR, ANTIGEN = (("pcr", "positive"),), (("antigen", "positive"),)
EPI = {"health_worker": "yes"}
NO_EPI = dict.fromkeys(("high_risk_setting", "community_transmission", "health_worker", "contact_of_case", "cluster"), "no")
SEVERE = {"hospitalised_severe": "yes"}
FLU, NO_FLU = ("pcr", "positive", "final", True), ("pcr", "negative", "final", True)
NEGATIVE = ("pcr", "negative")
SARI = {"onset": date(2026, 3, 1), "hospitalised": date(2026, 3, 10)}
WHO = [
    # Suspected A: fever and cough, or three of eleven, and an epidemiological criterion.
    ("fever and cough in a health worker", Patient(FEVER_COUGH, EPI), "suspected", "A"),
    ("fever and cough in a place of high risk", Patient(FEVER_COUGH, {"high_risk_setting": "yes"}), "suspected", "A"),
    ("fever and cough with transmission around", Patient(FEVER_COUGH, {"community_transmission": "yes"}), "suspected", "A"),
    ("three other symptoms", Patient({"headache": "yes", "myalgia": "yes", "diarrhoea": "yes"}, EPI), "suspected", "A"),
    ("nausea and vomiting are one", Patient({"nausea": "yes", "vomiting": "yes", "headache": "yes"}, EPI), "", ""),
    ("two symptoms, the rest denied", Patient(WELL | {"headache": "yes", "myalgia": "yes"}, EPI), "", ""),
    ("fever and cough and nothing else", Patient(FEVER_COUGH, NO_EPI), "", ""),
    ("fever and cough, nobody asked where", Patient(FEVER_COUGH), "", ""),
    ("a health worker with fever, cough not asked", Patient({"fever": "yes"}, EPI), "", ""),
    # Suspected B: severe acute respiratory infection.
    ("in hospital after ten days", Patient(FEVER_COUGH, SEVERE, (), SARI | {"onset": date(2026, 2, 28)}), "suspected", "B"),
    ("in hospital after eleven days", Patient(FEVER_COUGH, SEVERE, (), SARI | {"onset": date(2026, 2, 27)}), "", ""),
    ("in hospital, onset not known", Patient(FEVER_COUGH, SEVERE), "", ""),
    ("in hospital without cough", Patient({"fever": "yes", "cough": "no"}, SEVERE, (), SARI), "", ""),
    # Suspected C: antigen positive without symptoms and without epidemiological criteria.
    ("antigen positive, all denied", Patient(WELL, NO_EPI, ANTIGEN), "suspected", "C"),
    ("antigen positive, said to have no symptoms", Patient({}, {}, ANTIGEN, {"has_symptoms": False}), "suspected", "C"),
    ("antigen positive, symptoms not known", Patient({}, NO_EPI, ANTIGEN), "", ""),
    ("antigen positive health worker without symptoms", Patient(WELL, EPI, ANTIGEN), "", ""),
    ("antigen negative, all denied", Patient(WELL, NO_EPI, (("antigen", "negative"),)), "", ""),
    # Probable A: clinical criteria and a link.
    ("fever and cough in a contact", Patient(FEVER_COUGH, {"contact_of_case": "yes"}), "probable", "A"),
    ("fever and cough in a cluster", Patient(FEVER_COUGH, {"cluster": "yes"}), "probable", "A"),
    ("fever and cough, who infected them is named", Patient(FEVER_COUGH, {}, (), {"infected_by": "x"}), "probable", "A"),
    ("well contact", Patient(WELL, {"contact_of_case": "yes"}), "", ""),
    ("contact with fever, the rest not asked", Patient({"fever": "yes"}, {"contact_of_case": "yes"}), "", ""),
    # Probable B: suspected with imaging.
    ("suspected with imaging", Patient(FEVER_COUGH, EPI | {"suggestive_imaging": "yes"}), "probable", "B"),
    ("severe infection with imaging", Patient(FEVER_COUGH, SEVERE | {"suggestive_imaging": "yes"}, (), SARI), "probable", "B"),
    ("suspected, imaging clear", Patient(FEVER_COUGH, EPI | {"suggestive_imaging": "no"}), "suspected", "A"),
    ("imaging alone", Patient({}, {"suggestive_imaging": "yes"}), "", ""),
    # Probable C: loss of smell or taste without another cause.
    ("loss of smell", Patient({"anosmia": "yes"}), "probable", "C"),
    ("loss of taste, another cause denied", Patient({"ageusia": "yes"}, {"other_cause": "no"}), "probable", "C"),
    ("loss of taste by another cause", Patient(WELL | {"ageusia": "yes"}, NO_EPI | {"other_cause": "yes"}), "", ""),
    ("loss of smell, could not say", Patient({"anosmia": "unknown"}), "", ""),
    # Probable D: unexplained death and a link.
    ("unexplained death in a cluster", Patient({}, {"died_unexplained": "yes", "cluster": "yes"}), "probable", "D"),
    ("unexplained death, no link", Patient(WELL, NO_EPI | {"died_unexplained": "yes"}), "", ""),
    ("unexplained death, link not known", Patient({}, {"died_unexplained": "yes"}), "", ""),
    # Confirmed A: nucleic acid, whatever else.
    ("PCR positive", Patient({}, {}, PCR), "confirmed", "A"),
    ("PCR positive and well", Patient(WELL, NO_EPI, PCR), "confirmed", "A"),
    ("PCR positive once, negative once", Patient({}, {}, (NEGATIVE, *PCR)), "confirmed", "A"),
    ("PCR negative", Patient(WELL, NO_EPI, (NEGATIVE,)), "", ""),
    ("PCR pending", Patient(FEVER_COUGH, EPI, (("pcr", "pending"),)), "suspected", "A"),
    ("PCR positive, but preliminary", Patient({}, {}, (("pcr", "positive", "preliminary", False),)), "", ""),
    ("PCR positive, withdrawn", Patient({}, {}, (("pcr", "positive", "withdrawn", False),)), "", ""),
    ("PCR positive, as corrected", Patient({}, {}, (("pcr", "positive", "corrected", False),)), "confirmed", "A"),
    ("sample not usable", Patient({}, {}, (("pcr", "unsatisfactory"),)), "", ""),
    # Confirmed B: antigen and probable or suspected A or B.
    ("antigen positive, suspected A", Patient(FEVER_COUGH, EPI, ANTIGEN), "confirmed", "B"),
    ("antigen positive, severe infection", Patient(FEVER_COUGH, SEVERE, ANTIGEN, SARI), "confirmed", "B"),
    ("antigen positive, probable", Patient({"anosmia": "yes"}, {}, ANTIGEN), "confirmed", "B"),
    ("antigen positive, symptoms but no link", Patient(FEVER_COUGH, NO_EPI, ANTIGEN), "", ""),
    ("antigen positive, link not known", Patient(FEVER_COUGH, {}, ANTIGEN), "", ""),
    # Confirmed C: antigen without symptoms in a contact.
    ("antigen positive contact, well", Patient(WELL, {"contact_of_case": "yes"}, ANTIGEN), "confirmed", "C"),
    ("antigen positive, well, no contact", Patient(WELL, NO_EPI, ANTIGEN), "suspected", "C"),
    ("antigen positive contact, symptoms not known", Patient({}, {"contact_of_case": "yes"}, ANTIGEN), "", ""),
    # Not a case: negative for this and positive for another.
    ("negative, influenza found", Patient(FEVER_COUGH, EPI, (NEGATIVE, FLU)), "not_a_case", "N"),
    ("negative, influenza negative too", Patient(FEVER_COUGH, EPI, (NEGATIVE, NO_FLU)), "suspected", "A"),
    ("not tested, influenza found", Patient(FEVER_COUGH, EPI, (FLU,)), "suspected", "A"),
    ("both found", Patient(FEVER_COUGH, EPI, (*PCR, FLU)), "confirmed", "A"),
    ("nothing known", Patient(), "", ""),
]  # fmt: skip
NONE_OF_NINE = dict.fromkeys(NINE, "no")
SORMAS = [
    *((f"only {name}", Patient({name: "yes"}), "suspected", "S") for name in NINE),
    ("fever alone does not count here", Patient(NONE_OF_NINE | {"fever": "yes"}), "", ""),
    ("none of nine", Patient(NONE_OF_NINE), "", ""),
    ("could not say", Patient(dict.fromkeys(NINE, "unknown")), "", ""),
    ("cough in a contact", Patient({"cough": "yes"}, {"contact_of_case": "yes"}), "probable", "P"),
    ("cough in a cluster", Patient({"cough": "yes"}, {"cluster": "yes"}), "probable", "P"),
    ("cough, no link", Patient({"cough": "yes"}, NO_EPI), "suspected", "S"),
    ("cough, link not known", Patient({"cough": "yes"}, {"cluster": "unknown"}), "suspected", "S"),
    ("contact without symptoms", Patient(NONE_OF_NINE, {"contact_of_case": "yes"}), "", ""),
    *((f"cough and {kind} positive", Patient({"cough": "yes"}, {}, ((kind, "positive"),)), "confirmed", "with symptoms")
      for kind in ("pcr", "antigen", "culture", "sequencing")),
    ("cough and antibodies", Patient({"cough": "yes"}, {}, (("antibody", "positive"),)), "suspected", "S"),
    ("cough and PCR pending", Patient({"cough": "yes"}, {}, (("pcr", "pending"),)), "suspected", "S"),
    ("positive, one denied, none present", Patient({"cough": "no"}, {}, PCR), "confirmed", "no symptoms"),
    ("positive, said to have no symptoms", Patient({}, {}, PCR, {"has_symptoms": False}), "confirmed", "no symptoms"),
    ("positive, nothing known", Patient({}, {}, PCR), "confirmed", "unknown symptoms"),
    ("positive, could not say", Patient(dict.fromkeys(NINE, "unknown"), {}, PCR), "confirmed", "unknown symptoms"),
    ("preliminary, one denied", Patient({"cough": "no"}, {}, (("pcr", "positive", "preliminary", False),)), "", ""),
    ("negative, influenza found", Patient({"cough": "yes"}, {}, (NEGATIVE, FLU)), "not_a_case", "N"),
    ("negative, nothing else looked for", Patient({"cough": "yes"}, {}, (NEGATIVE,)), "suspected", "S"),
    ("negative, influenza negative", Patient(NONE_OF_NINE, {}, (NEGATIVE, NO_FLU)), "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("patient", "outcome", "criterion"), [row[1:] for row in WHO], ids=[row[0] for row in WHO])
def test_the_definition_of_the_who(patient, outcome, criterion):
    found, decision = judge("WHO", patient)

    assert (found, met(decision)) == (outcome, criterion), decision.reasons


@pytest.mark.parametrize(("patient", "outcome", "criterion"), [row[1:] for row in SORMAS], ids=[row[0] for row in SORMAS])
def test_the_definition_of_sormas(patient, outcome, criterion):
    found, decision = judge("SORMAS", patient)

    assert (found, met(decision)) == (outcome, criterion), decision.reasons


def test_what_is_missing_for_a_higher_class_is_named():
    _, decision = judge("WHO", Patient(FEVER_COUGH, EPI))

    told = queries.explained(decision.to_json())

    assert told[0] == "Suspected, criterion A: clinical and epidemiological criteria"
    assert "Fever: yes" in told
    assert "Confirmed cannot be told yet, criterion A: nucleic acid of the virus was found" in told
    assert "Positive nucleic acid test (PCR): not known" in told
    assert decision.inputs == {
        "symptoms.fever": True, "symptoms.cough": True, "circumstances.health_worker": True, "seen": "2026-03-10",
        "has_symptoms": True,
    }  # fmt: skip


def test_every_definition_that_ships_is_right():
    assert {pack.reference: queries.check_definition(pack) for pack in versions("case_definition")} == {
        "case_definition WHO 2020-12-16": [],
        "case_definition SORMAS 2020-11-06": [],
    }


def test_a_definition_that_asks_for_a_fact_that_no_case_has_is_refused_with_the_place():
    content = {
        "diseases": ["X"],
        "open": "maybe",
        "classes": [{"classification": "confirmed", "criteria": [{"id": 1, "text": "x", "when": "symptoms.hiccups"}]}, {}],
    }

    wrong = queries.check_definition(RulePack("case_definition", "1", "WHO", DAY, "", content))

    assert any("classes[0].criteria[0].when: no case has a fact 'symptoms.hiccups'" in one for one in wrong)
    assert any(one.startswith("open:") for one in wrong)
    assert any(one.startswith("classes[1].classification") for one in wrong)


def test_before_its_day_a_definition_is_not_in_force_and_a_disease_may_have_several_names():
    assert queries.definition_for("COVID-19", date(2020, 12, 15)) is None
    pack = queries.definition_for("covid 19", date(2020, 12, 16))
    assert pack.reference == "case_definition WHO 2020-12-16"
    assert queries.same_disease(pack, "SARS-CoV-2", "Covid")
    assert not queries.same_disease(pack, "SARS-CoV-2", "influenza")
    assert queries.definition_for("MERS", DAY) is None

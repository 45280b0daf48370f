"""Links: from meetings, named sources and days to probabilities; decisions above them; twice changes nothing."""

import csv
from datetime import date, timedelta

import pytest

from epipolis.core import clock
from epipolis.core.imports import ImportOptions
from epipolis.sense.cases.models import Case
from epipolis.sense.cases.services import import_cases, revise_case
from epipolis.understand.chains import queries, services
from epipolis.understand.chains.models import Link
from epipolis.understand.tracing.models import Contact
from tests.understand.tracing.factories import NOW, ONSET, case

pytestmark = pytest.mark.django_db


def met(infector, infectee, minutes=120, certain=True):
    return Contact.objects.create(
        case=infector, visitor=infectee.person_id, person_id=infectee.person_id, risk="high", rank=1, certain=certain,
        minutes=minutes, last_met=NOW, decision={}, found=NOW,
    )  # fmt: skip


def later(days, **facts):
    return case(onset=ONSET + timedelta(days=days), **facts)


def relink():
    return services.link_recent(at=NOW)


def sources(of):
    return {link.infector_id: link for link in queries.links_to(of.id)}


def test_a_named_source_is_almost_certain():
    first = case()
    second = later(4, infected_by=first.id)
    relink()
    link = sources(second)[first.id]
    assert link.probability > 0.9
    assert (link.basis, link.days) == ("told", 4)
    assert sources(first) == {}


def test_the_days_say_who_infected_whom_of_two_that_met():
    first, second = case(), later(5)
    met(second, first)  # the later case was traced first
    relink()
    assert sources(second)[first.id].probability > 0.5
    assert sources(first)[second.id].probability < 0.4


def test_a_possible_meeting_weighs_less_than_a_certain_one():
    sure, unsure = case(), case()
    infected = later(4)
    met(sure, infected)
    met(unsure, infected, certain=False)
    relink()
    found = sources(infected)
    assert found[sure.id].probability == pytest.approx(4 * found[unsure.id].probability)
    assert found[sure.id].minutes == 120


def test_linking_twice_changes_nothing_and_a_new_onset_changes_the_link(deliver_events):
    first = case()
    second = later(4, infected_by=first.id)
    assert relink() == 1
    before = Link.objects.get()
    assert relink() == 0
    assert Link.objects.get().made == before.made
    with clock.fixed(NOW):
        revise_case(second.id, {"onset": ONSET + timedelta(days=6)}, by="test", at=NOW)
        deliver_events(twice=True)
    assert Link.objects.get().days == 6


def test_a_decision_stands_above_the_days_until_it_is_taken_back():
    first, other = case(), case()
    infected = later(30)  # too late for either
    met(first, infected)
    made = services.judge_link(infected.id, other.id, is_source=True, reason="shared a flat", by="ana", at=NOW)
    assert {(link.infector_id, link.probability, link.basis) for link in queries.links_to(infected.id)} == {
        (other.id, 1.0, "judged")
    }
    services.undo_judgement(made.id, by="ana", at=NOW)
    services.undo_judgement(made.id, by="ana", at=NOW)
    assert sources(infected) == {}


def test_who_is_decided_not_to_be_the_source_is_left_out():
    first = case()
    infected = later(4, infected_by=first.id)
    services.judge_link(infected.id, first.id, is_source=False, reason="another strain", by="ana", at=NOW)
    assert sources(infected) == {}


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0b"])
def test_a_decision_without_a_proper_reason_is_refused(reason):
    first, second = case(), later(4)
    with pytest.raises(services.JudgementError, match="500"):
        services.judge_link(second.id, first.id, is_source=True, reason=reason, by="ana", at=NOW)


def test_two_sources_of_one_case_cannot_both_be_decided():
    first, second, third = case(), case(), later(4)
    services.judge_link(third.id, first.id, is_source=True, reason="household", by="ana", at=NOW)
    with pytest.raises(services.JudgementError, match="Take that back"):
        services.judge_link(third.id, second.id, is_source=True, reason="household", by="ana", at=NOW)
    with pytest.raises(services.JudgementError, match="themselves"):
        services.judge_link(third.id, third.id, is_source=True, reason="?", by="ana", at=NOW)


def test_a_chain_is_followed_up_and_its_cluster_is_whole():
    first = case()
    second = later(4, infected_by=first.id)
    third = later(8, infected_by=second.id)
    sibling = later(5, infected_by=first.id)
    alone = later(6)
    relink()
    assert queries.chain_of(third.id, holds_from=0.5) == [first.id, second.id, third.id]
    for one in (first, third, sibling):
        assert set(queries.cluster_of(one.id, holds_from=0.5)) == {first.id, second.id, third.id, sibling.id}
    assert set(queries.cluster_of(alone.id, holds_from=0.5)) == {alone.id}
    drawn = queries.draw(queries.cluster_of(third.id, holds_from=0.5), holds_from=0.5)
    assert [row.case.id for row in drawn.rows] == [first.id, second.id, third.id, sibling.id]


def test_figures_count_clusters_intervals_and_how_many_each_infected():
    first = case()
    for days in (3, 4, 5):
        later(days, infected_by=first.id)
    case()
    relink()
    found = queries.figures_of(NOW)
    assert (found.cases, found.linked, found.clusters_in_all) == (5, 3, 1)
    assert sorted(found.intervals) == [3, 4, 5]
    assert found.interval_mean == pytest.approx(4)
    assert found.clusters[0].cases == 4
    assert found.clusters[0].most_infected[1] == 3
    assert found.dispersion is None


def test_two_cases_that_name_each_other_make_no_circle():
    first = case()
    second = later(1, infected_by=first.id)
    Case.objects.filter(id=first.id).update(infected_by=second.id)
    relink()
    drawn = queries.draw(queries.cluster_of(first.id, holds_from=0.0), holds_from=0.0)
    assert drawn.cases == 2
    assert len(drawn.rows) == 2
    chains = [queries.chain_of(one.id, holds_from=0.0) for one in (first, second)]
    assert chains == [[first.id], [first.id, second.id]]  # as in the tree: the link that closed the circle is left out


def test_the_tree_of_the_imported_mers_outbreak_equals_the_links_of_the_file(shared_data):
    folder = shared_data / "linelists"
    at = clock.start_of(date(2015, 8, 1))
    options = {"by": "test", "at": at, "source": "mers"}
    import_cases(folder / "mers_korea_2015_linelist.csv", ImportOptions(**options))
    import_cases(folder / "mers_korea_2015_contacts.csv", ImportOptions(**options))
    services.link_recent(at=at)
    with (folder / "mers_korea_2015_contacts.csv").open() as lines:
        told = [(row["from"], row["to"]) for row in csv.DictReader(lines)]
    several = {"SK_39", "SK_107"}  # the file names three and two infectors; a case of the line list holds one
    known = queries.known_cases(since=date(2015, 4, 1))
    ids, tree = queries.forest(known, holds_from=0.05)
    hung = {(tree.cases[tree.parent[n]], tree.cases[n]) for n in range(len(ids)) if tree.parent[n] >= 0}
    assert {pair for pair in hung if pair[1] not in several} == {pair for pair in told if pair[1] not in several}
    assert {pair[1] for pair in hung} >= several
    assert hung <= set(told)


def test_without_an_onset_the_report_stands_in_and_nobody_is_infected_by_a_case_of_weeks_later():
    early, late = case(onset=None, reported=ONSET), case(onset=None, reported=ONSET + timedelta(days=25))
    soon = case(onset=None, reported=ONSET + timedelta(days=5))
    met(late, early)
    met(soon, early)
    relink()
    assert sources(early).get(late.id) is None
    assert sources(late) == {}
    assert sources(soon)[early.id].probability > 0.5
    assert sources(soon)[early.id].days is None

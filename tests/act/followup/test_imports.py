"""Tables of contacts in: nothing made up, nothing taken twice, every doubt named with its row."""

from datetime import date

import pytest

from epipolis.act.followup import services
from epipolis.act.followup.models import Change, Exposure, FollowUp
from epipolis.core import clock, rules
from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.sense.people.models import Person

from .factories import NOW, case

pytestmark = pytest.mark.django_db
HEAD = "contact_id,first_name,last_name,phone,case,last_contact_date,report_date,risk"


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def take(tmp_path):
    def run(*lines, head=HEAD, name="contacts.csv", **options):
        path = tmp_path / name
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return services.import_contacts(path, ImportOptions(by="test", at=NOW, **options))

    return run


def test_contacts_are_followed_and_the_same_file_again_changes_nothing(take):
    source = case()
    lines = [
        f"1,Ana,Torres,+999 111 111,{source.source_key},2021-03-15,2021-03-17,high",
        f"2,Bo,Chen,+999 222 222,{source.source_key},2021-03-16,2021-03-17,low",
    ]
    first, again = take(*lines), take(*lines)

    assert (first.accepted, first.created, first.problems) == (2, 2, [])
    assert (again.accepted, again.created, again.changed, again.unchanged) == (2, 0, 0, 2)
    assert list(FollowUp.objects.order_by("id").values_list("until", "risk", "state")) == [
        (date(2021, 3, 29), "high", "open"),
        (date(2021, 3, 30), "low", "open"),
    ]
    assert Exposure.objects.filter(case=source.id, origin="import").count() == 2
    assert AuditEntry.objects.filter(action="followup.import").count() == 2


def test_no_day_is_made_up(take):
    take(f"1,Ana,Torres,,{case().source_key},,,")
    row = FollowUp.objects.get()

    assert (row.starts, row.until, row.quarantine_until, row.order_kind) == (None, None, None, "")
    assert Exposure.objects.values_list("last_contact", "reported", "counted_from").get() == (None, None, None)


def test_a_report_stands_in_and_says_so(take):
    take(f"1,Ana,Torres,,{case().source_key},,2021-03-17,")
    row = FollowUp.objects.get()

    assert row.until == date(2021, 3, 31)
    assert "counted from the report" in rules.explain(row.decision)[0]
    assert Exposure.objects.get().last_contact is None


def test_days_that_the_sender_decided_are_taken_with_their_reason(take):
    head = HEAD + ",follow_up_until,quarantine_from,quarantine_until,order"
    take(f"1,Ana,Torres,,{case().source_key},2021-03-15,,high,2021-03-25,2021-03-16,2021-03-26,official", head=head)
    row = FollowUp.objects.get()

    assert (row.standard_until, row.until) == (date(2021, 3, 29), date(2021, 3, 29))
    assert (row.quarantine_from, row.quarantine_until, row.order_kind) == (date(2021, 3, 16), date(2021, 3, 26), "official")
    assert "never shortened by itself" in rules.explain(row.decision)[-1]
    assert set(Change.objects.values_list("reason", flat=True)) == {"Said so in the file."}


def test_another_end_in_a_later_file_is_named_and_not_taken(take):
    head, key = HEAD + ",quarantine_from,quarantine_until", case().source_key
    take(f"1,Ana,Torres,,{key},2021-03-15,,high,2021-03-16,2021-03-29", head=head)
    report = take(f"1,Ana,Torres,,{key},2021-03-15,,high,2021-03-16,2021-03-20", head=head)

    assert [(one.field, one.rule) for one in report.problems] == [
        ("quarantine_until", "another last day of the quarantine is held")
    ]
    assert FollowUp.objects.get().quarantine_until == date(2021, 3, 29)


def test_a_corrected_row_moves_its_exposure(take):
    key = case().source_key
    take(f"1,Ana,Torres,,{key},2021-03-15,,high")
    report = take(f"1,Ana,Torres,,{key},2021-03-18,,high")

    assert (report.changed, Exposure.objects.count(), FollowUp.objects.get().until) == (1, 1, date(2021, 4, 1))


def test_one_contact_of_two_cases_is_one_follow_up(take):
    one, two = case().source_key, case().source_key
    take(f"1,Ana,Torres,,{one},2021-03-15,,high", f"1,Ana,Torres,,{two},2021-03-18,,low")

    assert (FollowUp.objects.count(), Exposure.objects.count(), Person.objects.filter(identifiers__isnull=False).count()) == (
        1, 2, 1,
    )  # fmt: skip
    assert FollowUp.objects.get().until == date(2021, 4, 1)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("1,Ana,Torres,,{key},2021-02-30,,high", "last_contact"),
        ("1,Ana,Torres,,{key},2031-02-03,,high", "last_contact"),
        ("1,Ana,Torres,,{key},2021-03-15,,terrible", "risk"),
        (",,,,{key},2021-03-15,,high", "given_name"),
        ("1,Ana,Torres,x,{key},2021-03-15,,high", "phone"),
        ("1,Ana,Torres,,{key},2021-03-15,,high,more", ""),
    ],
)
def test_bad_rows_are_named_by_field_and_the_others_kept(take, line, field):
    key = case().source_key
    report = take(line.format(key=key), f"2,Bo,Chen,,{key},2021-03-15,,high")

    assert (report.accepted, report.rejected, report.problems[0].field, report.problems[0].row) == (1, 1, field, 2)


def test_a_case_that_is_not_known_is_named_and_the_contact_kept(take):
    report = take("1,Ana,Torres,,X99,2021-03-15,,high")

    assert (report.accepted, report.warnings, report.problems[0].value) == (1, 1, "X99")
    assert (FollowUp.objects.get().disease, Exposure.objects.get().case) == ("COVID-19", None)


def test_a_number_that_two_sources_use_must_name_the_source(take):
    case(source="one", source_key="7")
    other = case(source="two", source_key="7")
    assert take("1,Ana,Torres,,7,2021-03-15,,high").rejected == 1
    take("1,Ana,Torres,,7,2021-03-15,,high,two", head=HEAD + ",case_source")

    assert Exposure.objects.get().case_id == other.id


def test_days_before_months_are_found_out_from_the_column(take):
    take(f"1,Ana,Torres,,{case().source_key},15/03/2021,,high", f"2,Bo,Chen,,{case().source_key},05/03/2021,,high")

    assert set(Exposure.objects.values_list("last_contact", flat=True)) == {date(2021, 3, 15), date(2021, 3, 5)}


def test_a_dry_run_stores_nothing(take):
    report = take(f"1,Ana,Torres,,{case().source_key},2021-03-15,,high", dry_run=True)

    assert (report.created, FollowUp.objects.count(), AuditEntry.objects.filter(action="followup.import").count()) == (1, 0, 0)


def test_a_table_without_people_is_refused(take):
    with pytest.raises(ValueError, match="no column says who"):
        take("1,2", head="colour,weight")


def test_partial_birth_dates_and_unknown_sex_are_normal(take):
    head = "contact_id,given_name,birth_date,sex,case,last_contact"
    key = case().source_key
    report = take(f"1,Ana,1980,,{key},2021-03-15", f"2,Bo,1980-05,unknown,{key},2021-03-15", head=head)

    assert (report.accepted, report.problems) == (2, [])

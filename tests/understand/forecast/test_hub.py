"""Other teams' forecasts: taken in the hubs' format, row by row, never changed, scored beside ours."""

import csv
from datetime import timedelta
from io import StringIO

import pytest

from epipolis.core import clock
from epipolis.understand.forecast import queries, services
from epipolis.understand.forecast.models import Forecast, Round, Score
from epipolis.understand.forecast.queries import records

from .factories import NOW, TODAY, epidemic, made_round, options, past_rounds, town, written

pytestmark = pytest.mark.django_db
COLUMNS = (*queries.HUB_COLUMNS, "model_id")
LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


def rows(reference=TODAY, *, horizon=0, location="D1", team="team-a", target="wk inc case", values=(1, 3, 5, 7, 9), **more):
    base = {
        "reference_date": reference, "target": target, "horizon": horizon, "location": location, "model_id": team,
        "target_end_date": reference + timedelta(days=7 * horizon), "output_type": "quantile",
    }  # fmt: skip
    return [base | {"output_type_id": level, "value": value} | more for level, value in zip(LEVELS, values, strict=True)]


def as_csv(lines):
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def taken(tmp_path, lines, at=NOW, **more):
    text = lines if isinstance(lines, str) else as_csv(lines)
    return services.import_hub(written(tmp_path, text), options(at, **more))


def test_our_own_file_comes_back_under_another_name_with_the_same_values(tmp_path):
    epidemic(town(), days=40)
    found = made_round()
    lines = [line | {"model_id": "copy"} for line in queries.hub_rows(found, target="cases")]

    report = taken(tmp_path, lines)

    assert (report.rejected, report.accepted) == (0, len(lines))
    ours = queries.forecasts_of(found, target="cases", model="ensemble")
    theirs = Forecast.objects.filter(model="copy")
    told = {(row.area, row.horizon, row.day): row.values for row in theirs}
    assert told == {(row.area, row.horizon, row.day): row.values for row in ours}


def test_twice_changes_nothing_and_a_changed_forecast_is_refused(tmp_path):
    town()
    taken(tmp_path, rows())

    again = taken(tmp_path, rows(), NOW + timedelta(days=1))
    changed = taken(tmp_path, rows(values=(1, 3, 5, 7, 10)), NOW + timedelta(days=1))

    assert (again.unchanged, again.created, again.rejected) == (5, 0, 0)
    assert (changed.accepted, changed.rejected) == (0, 5)
    assert "never changed" in changed.problems[0].rule
    assert Forecast.objects.count() == 1
    assert Forecast.objects.get().values.count(None) == 23 - 5


def test_bad_rows_are_named_and_the_good_part_is_kept(tmp_path):
    town()
    good = rows()
    broken = [
        rows(horizon=1)[0] | {"output_type_id": "1.5"},
        rows(horizon=1)[0] | {"output_type_id": "0.33"},
        rows(horizon=1)[0] | {"value": "-1"},
        rows(horizon=1)[0] | {"value": ""},
        rows(horizon=1)[0] | {"location": "Atlantis"},
        rows(horizon=1)[0] | {"target": "wk inc joy"},
        rows(horizon=1)[0] | {"target_end_date": TODAY},
        rows(horizon=1)[0] | {"reference_date": "yesterday"},
        rows(reference=TODAY + timedelta(days=30))[0],
        rows(horizon=1)[0] | {"horizon": "one"},
        rows(horizon=1)[0] | {"model_id": "ensemble"},
        good[2],
    ]
    crossing = rows(horizon=2, values=(1, 3, 2, 7, 9))

    report = taken(tmp_path, good + broken + crossing + [good[0] | {"output_type": "mean"}])

    assert [(one.row, one.field) for one in report.problems] == [
        (7, "output_type_id"), (8, "output_type_id"), (9, "value"), (10, "value"), (11, "location"), (12, "target"),
        (13, "target_end_date"), (14, "reference_date"), (15, "reference_date"), (16, "horizon"), (17, "team"),
        (18, "output_type_id"), (21, "value"), (24, "output_type"),
    ]  # fmt: skip
    assert (report.accepted, report.rejected, report.warnings) == (9, 13, 1)
    assert Forecast.objects.count() == 2


def test_the_older_format_tells_the_horizon_in_the_target(tmp_path):
    town()
    end = TODAY + timedelta(days=12)
    text = "forecast_date,target,target_end_date,location,type,quantile,value\n" + "".join(
        f"{TODAY},2 wk ahead inc case,{end},Harbour,quantile,{level},{n}\n" for n, level in enumerate(LEVELS)
    )

    report = taken(tmp_path, text, source="old-team")

    one = Forecast.objects.get()
    assert (report.rejected, one.model, one.area, one.horizon, one.step) == (0, "old-team", "D1", 2, 7)


def test_a_forecast_sent_after_its_day_is_taken_but_marked(tmp_path):
    town()

    report = taken(tmp_path, rows(reference=TODAY - timedelta(days=21)))

    assert (report.accepted, report.warnings) == (5, 1)
    assert "after the day" in Forecast.objects.get().marked


def test_a_check_stores_nothing(tmp_path):
    town()

    assert taken(tmp_path, rows(), dry_run=True).created == 5
    assert not Round.objects.exists()


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01\x02"])
def test_a_file_that_holds_no_forecasts_is_refused_whole(tmp_path, text):
    with pytest.raises(ValueError, match=r"table\.csv"):
        taken(tmp_path, text)


def test_another_team_is_scored_beside_ours_over_the_same_weeks(tmp_path):
    epidemic(town())
    past_rounds(weeks=3)
    first = Round.objects.order_by("known_at").first()
    lines = []
    for line in queries.hub_rows(first, target="cases"):
        lines.append(line | {"model_id": "twice-as-much", "value": line["value"] * 2})
    taken(tmp_path, lines, NOW - timedelta(days=1))
    with clock.fixed(NOW):
        services.score_what_is_due(queries.known_at(NOW))

    scores = Score.objects.filter(forecast__model="twice-as-much")
    found = records.records(records.scores("cases", until=TODAY), teams={"twice-as-much"})
    theirs = next(one for one in found if one.model == "twice-as-much")

    assert scores.count() > 0
    assert all(one.relative is not None for one in scores)
    assert theirs.is_team
    assert theirs.relative is not None


def test_a_team_cannot_enter_our_ensemble(tmp_path):
    epidemic(town(), days=40)
    day = TODAY - timedelta(days=7)
    made_round(day)
    lines = rows(reference=day + timedelta(days=6), location="city")
    taken(tmp_path, lines, noon_of(day))

    assert "team-a" not in {row.model for row in queries.forecasts_of(made_round())}
    assert "team-a" not in set(queries.past_scores(NOW)["cases"].column("model").to_pylist())
    assert queries.latest_round().team == ""


def noon_of(day):
    return clock.start_of(day) + timedelta(hours=12)

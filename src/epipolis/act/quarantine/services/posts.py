"""What phones post for themselves: many posts of many phones in one turn of the stream, and an answer of its own to each.

The answer of a phone is in the language of the person for whom it speaks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import override
from msgspec import Meta

from epipolis.act.notices import queries as wordings
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order
from epipolis.core import audit
from epipolis.core.intake import Outcome
from epipolis.core.problems import problem_body

from .positions import Followed, Position, Taken, take

Post = Annotated[list[Position], Meta(min_length=1, max_length=200)]
PHONE = "phone"  # as the trail names those who post by their own secret


@dataclass
class Posted(Taken):
    """What became of one post; `clock` says in the person's words how wrong the clock of the phone is."""

    clock: str = ""
    is_known: bool = field(default=False, metadata={"told": False})


def post_positions(posts: Sequence[Sequence[Position]], *, by: audit.Actor = PHONE, at: datetime) -> list[Posted]:
    """Follow posts of phones in one transaction; return what became of each. Twice changes nothing."""
    items = [item for post in posts for item in post]
    sizes = [len(post) for post in posts]
    of_item = np.repeat(np.arange(len(posts)), sizes)
    first = np.cumsum(sizes) - sizes
    done = take(items, Taken(), by=by, at=at)
    found = [Posted() for _post in posts]
    _count(found, done, of_item)
    for row, name, rule in done.problems:
        found[of_item[row]].reject(int(row - first[of_item[row]]) + 1, name, rule)
        found[of_item[row]].is_known |= name != "phone"
    _say_clocks(found, done.clocks, of_item)
    return found


def answer_posts(posts: Sequence[Sequence[Position]], *, by: str, at: datetime) -> list[Outcome]:
    """The same for the fast road, as answers."""
    return [answer_of(one) for one in post_positions(posts, by=by, at=at)]


def answer_of(one: Posted) -> Outcome:
    """200 with what was taken; 403 where no row was and none was of a phone that is known, 422 where its rows are wrong."""
    told: dict[str, Any] = {name: getattr(one, name) for name in _TOLD}
    if one.rejected_rows and not (one.accepted or one.repeated or one.older or one.not_ordered):
        status, code = (422, "invalid") if one.is_known else (403, "bad_phone")
        problem = problem_body(status, code, one.clock or _("Nothing was taken."), one.rejected[:20])
        return Outcome(status, "", "", msgspec.json.encode(problem))
    return Outcome(200, "", "", msgspec.json.encode(told))


_TOLD = ("accepted", "repeated", "older", "not_ordered", "transitions", "rejected_rows", "rejected", "clock")


def _count(found: list[Posted], done: Followed, of_item: Any) -> None:
    """Each row by what the fence does with it, in its order: what a row leaves is what the next one meets."""
    if done.rows is None or done.before is None or done.ordered is None or done.found is None:
        return
    heard: dict[int, int] = {}
    post_of: dict[tuple[int, int], int] = {}
    rows = zip(*(done.rows.column(name).to_pylist() for name in ("person", "time", "item")), strict=True)
    for (who, when, item), before, ordered in zip(rows, done.before.tolist(), done.ordered.tolist(), strict=True):
        one, last = found[of_item[item]], heard.get(who, before)
        if not ordered:
            one.not_ordered += 1
        elif when <= last:
            one.repeated, one.older = one.repeated + (when == last), one.older + (when < last)
        else:
            one.accepted += 1
            heard[who], post_of[who, when] = when, int(of_item[item])
    for who, when in zip(done.found.column("person").to_pylist(), done.found.column("time").to_pylist(), strict=True):
        found[post_of[who, when]].transitions += 1


def _say_clocks(found: list[Posted], clocks: Iterable[tuple[int, int, int]], of_item: Any) -> None:
    """In the language of the person; `clocks` is usually empty."""
    told = list(clocks)
    orders = Order.objects.filter(id__in={order for _item, order, _off in told})
    spoken = dict(orders.values_list("id", "language")) if told else {}
    for item, order, off in told:
        one = found[of_item[item]]
        with override(wordings.language_of(spoken.get(order, ""))):
            words = queries.clock_text(off)
            one.clock = _("Please set the clock of this telephone: %(clock)s.") % {"clock": words}
            one.is_known = True
            for row in one.rejected:
                if row["field"] == "time":
                    row["rule"] = queries.future_text(off)

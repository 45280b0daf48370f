"""What another office decided about a case that was sent to it, and what follows here."""

from datetime import datetime

from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Transfer
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases

from .errors import TransferError
from .storing import done

State = Transfer.State
_ENDED = (State.ACCEPTED, State.REJECTED, State.WITHDRAWN)
_CHANGED = gettext_noop("The case was changed here after it was sent; the other office does not know: %(fields)s.")


def decided(row: Transfer, state: str, reason: str, *, at: datetime) -> None:
    """Follow the answer to a transfer that is held: an accepted handover gives the case away. Twice changes nothing."""
    if row.state in _ENDED or state not in _ENDED:
        return
    row.state, row.reason, row.decided, row.decided_by = state, reason[:1_000], at, row.partner.name
    row.asked_back = None
    row.received = row.received or at
    if state == State.ACCEPTED and row.what == Transfer.What.HANDOVER:
        row.owner = row.partner.name
        _give_away(row, at=at)
    done(row, state, by=f"office:{row.partner.name}", at=at)


def _give_away(row: Transfer, *, at: datetime) -> None:
    if row.case_id is None:
        return
    case, sent = case_queries.case(row.case_id), queries.document(row)
    now = queries.unread_document_of(case, contacts=bool(sent and sent.contacts))
    if sent is not None and queries.digest_of(now) != row.digest:
        names = sorted({queries.label(name) for name in queries.changes_between(sent, now)})
        row.left = [*row.left, [_CHANGED, {"fields": ", ".join(names)}]]
    cases.set_owner(case.id, row.partner.name, by=f"office:{row.partner.name}", at=at)


def check_may_go(row: Transfer) -> None:
    """Whether the case may be sent to this office.

    Raises:
        TransferError: the office is closed, may not have such cases, or the case is another office's.
    """
    partner, case = row.partner, row.case
    if not partner.is_open:
        raise TransferError(gettext_noop("%(office)s is not open: its key was not compared, or it was closed."), office=partner)
    if not (partner.may_hand_over if row.what == Transfer.What.HANDOVER else partner.may_share):
        raise TransferError(gettext_noop("Cases of this city may not go to %(office)s in this way."), office=partner)
    if case is None:
        raise TransferError(gettext_noop("There is no such case."))
    wanted = {case_queries.plain_disease(one) for one in partner.diseases.split(",") if one.strip()}
    if wanted and case_queries.plain_disease(case.disease) not in wanted:
        raise TransferError(gettext_noop("Only cases of %(diseases)s may go to this office."), diseases=partner.diseases)
    if case.owner:
        raise TransferError(gettext_noop("The case is owned by %(office)s, which alone may send it on."), office=case.owner)
    if case.same_as:
        raise TransferError(gettext_noop("The case is the same illness as another; send that one."))

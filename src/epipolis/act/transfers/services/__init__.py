"""Every write of transfers."""

from .deciding import accept_transfer, reject_transfer, undo_decision
from .drafting import discard_draft, draft_transfer, resend, send_transfer, take_back, withdraw_transfer
from .errors import RefusedError, TransferError, UnreachableError
from .files import KINDS, Line, import_documents, read_documents, write_cases
from .filing import Filed, file_document
from .keeping import forget_documents, forget_nonces, forget_transfers
from .outgoing import deliver, deliver_waiting, on_message_queued
from .partners import add_partner, change_partner, close_partner, compare_key
from .receiving import take_request
from .sharing import CHANGEABLE, change_shared, on_case_changed, refresh_shared, tell_readers
from .signing import real_time, signed_request

__all__ = [
    "CHANGEABLE",
    "KINDS",
    "Filed",
    "Line",
    "RefusedError",
    "TransferError",
    "UnreachableError",
    "accept_transfer",
    "add_partner",
    "change_partner",
    "change_shared",
    "close_partner",
    "compare_key",
    "deliver",
    "deliver_waiting",
    "discard_draft",
    "draft_transfer",
    "file_document",
    "forget_documents",
    "forget_nonces",
    "forget_transfers",
    "import_documents",
    "on_case_changed",
    "on_message_queued",
    "read_documents",
    "real_time",
    "refresh_shared",
    "reject_transfer",
    "resend",
    "send_transfer",
    "signed_request",
    "take_back",
    "take_request",
    "tell_readers",
    "undo_decision",
    "withdraw_transfer",
    "write_cases",
]

"""Every write of the laboratories."""

from .envelopes import Incoming, bodies
from .filing import Chosen
from .handling import (
    HandlingError,
    file_anyway,
    file_under,
    forward_message,
    process_anew,
    reject_many,
    reject_message,
    undo_handling,
)
from .importing import RESULT_FIELDS, import_results
from .keeping import check_for_left_behind, forget_messages
from .processing import on_message_received, process_again, process_message
from .reading import raw_of, reports_of, understood
from .reasons import PROBLEMS
from .receiving import Receipt, receive, receive_all, receive_batch
from .registering import change_laboratory, explain_code, forget_code, register_laboratory

__all__ = [
    "PROBLEMS",
    "RESULT_FIELDS",
    "Chosen",
    "HandlingError",
    "Incoming",
    "Receipt",
    "bodies",
    "change_laboratory",
    "check_for_left_behind",
    "explain_code",
    "file_anyway",
    "file_under",
    "forget_code",
    "forget_messages",
    "forward_message",
    "import_results",
    "on_message_received",
    "process_again",
    "process_anew",
    "process_message",
    "raw_of",
    "receive",
    "receive_all",
    "receive_batch",
    "register_laboratory",
    "reject_many",
    "reject_message",
    "reports_of",
    "understood",
    "undo_handling",
]

"""Every write of the laboratories."""

from .devices import SCOPE, change_device, register_device, register_lot, renew_token, set_state
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
from .labels import MOST_PRINTED, LabelError, clean, draw_labels, forget_samples, give_label, make_labels, take_back_label
from .measurements import MOST_BYTES, sign, signing_key
from .measuring import Taken, hear_over_http, hear_over_mqtt, take_over_http, take_over_mqtt
from .processing import on_messages_received, process_again, process_message
from .reading import raw_of, reports_of, understood
from .reasons import PROBLEMS
from .receiving import Receipt, receive, receive_all, receive_batch
from .registering import change_laboratory, explain_code, forget_code, register_laboratory

__all__ = [
    "MOST_BYTES",
    "MOST_PRINTED",
    "PROBLEMS",
    "RESULT_FIELDS",
    "SCOPE",
    "Chosen",
    "HandlingError",
    "Incoming",
    "LabelError",
    "Receipt",
    "Taken",
    "bodies",
    "change_device",
    "change_laboratory",
    "check_for_left_behind",
    "clean",
    "draw_labels",
    "explain_code",
    "file_anyway",
    "file_under",
    "forget_code",
    "forget_messages",
    "forget_samples",
    "forward_message",
    "give_label",
    "hear_over_http",
    "hear_over_mqtt",
    "import_results",
    "make_labels",
    "on_messages_received",
    "process_again",
    "process_anew",
    "process_message",
    "raw_of",
    "receive",
    "receive_all",
    "receive_batch",
    "register_device",
    "register_laboratory",
    "register_lot",
    "reject_many",
    "reject_message",
    "renew_token",
    "reports_of",
    "set_state",
    "sign",
    "signing_key",
    "take_back_label",
    "take_over_http",
    "take_over_mqtt",
    "understood",
    "undo_handling",
]

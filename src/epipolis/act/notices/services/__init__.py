"""Every write of notices."""

from .broadcasting import (
    Warned,
    approve_broadcast,
    cancel_broadcast,
    draft_broadcast,
    on_broadcast_approved,
    queue_broadcast,
    refuse_broadcast,
)
from .browsers import add_browser
from .channels import push_key
from .desk import cancel_notice, note_call, note_posted, open_notice, print_letters, read_own, try_now
from .errors import NoticeError, SignatureError
from .importing import PREFERENCE_FIELDS, import_preferences
from .keeping import forget_answers, forget_notices, forget_simulated, forget_texts
from .outbox import on_notice_queued, send_batch, send_waiting, take_over
from .reporting import match_reports, take_reports
from .returns import read_returns
from .sending import NO_WAY, Asked, cancel, send, send_each, send_to, ways_left
from .simulating import answer_from_phone, play_provider
from .stopping import THE_PERSON, prefer, start_address, stop_address
from .wordings import approve_template, retire_template, write_template

__all__ = [
    "NO_WAY",
    "PREFERENCE_FIELDS",
    "THE_PERSON",
    "Asked",
    "NoticeError",
    "SignatureError",
    "Warned",
    "add_browser",
    "answer_from_phone",
    "approve_broadcast",
    "approve_template",
    "cancel",
    "cancel_broadcast",
    "cancel_notice",
    "draft_broadcast",
    "forget_answers",
    "forget_notices",
    "forget_simulated",
    "forget_texts",
    "import_preferences",
    "match_reports",
    "note_call",
    "note_posted",
    "on_broadcast_approved",
    "on_notice_queued",
    "open_notice",
    "play_provider",
    "prefer",
    "print_letters",
    "push_key",
    "queue_broadcast",
    "read_own",
    "read_returns",
    "refuse_broadcast",
    "retire_template",
    "send",
    "send_batch",
    "send_each",
    "send_to",
    "send_waiting",
    "start_address",
    "stop_address",
    "take_over",
    "take_reports",
    "try_now",
    "ways_left",
    "write_template",
]

"""Every write of notices."""

from .errors import NoticeError, SignatureError
from .outbox import on_notice_queued, send_batch, send_waiting, take_over
from .reporting import match_reports, take_reports
from .sending import Asked, cancel, send, send_each, send_to
from .simulating import answer_from_phone, play_provider
from .stopping import prefer, start_address, stop_address

__all__ = [
    "Asked",
    "NoticeError",
    "SignatureError",
    "answer_from_phone",
    "cancel",
    "match_reports",
    "on_notice_queued",
    "play_provider",
    "prefer",
    "send",
    "send_batch",
    "send_each",
    "send_to",
    "send_waiting",
    "start_address",
    "stop_address",
    "take_over",
    "take_reports",
]

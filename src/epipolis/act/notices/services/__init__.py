"""Every write of notices."""

from .errors import NoticeError, SignatureError
from .sending import Asked, cancel, send, send_each, send_to

__all__ = [
    "Asked",
    "NoticeError",
    "SignatureError",
    "cancel",
    "send",
    "send_each",
    "send_to",
]

"""Pages of the laboratories."""

from .inbox import handle, inbox, message, open_message, reject_shown, undo
from .laboratories import change, codes, forget, laboratories, register, result

__all__ = [
    "change",
    "codes",
    "forget",
    "handle",
    "inbox",
    "laboratories",
    "message",
    "open_message",
    "register",
    "reject_shown",
    "result",
    "undo",
]

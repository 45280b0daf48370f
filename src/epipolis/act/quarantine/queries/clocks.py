"""A device whose clock is wrong, in words that people use."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def length_text(seconds: int) -> str:
    """A length of time by its two largest parts: 3 days 4 hours, 2 hours 5 minutes, 40 minutes; a minute at least."""
    minutes = max(1, round(seconds / _MINUTE))
    days, hours, minutes = minutes // (24 * 60), minutes // 60 % 24, minutes % 60
    parts = [
        ngettext("%(n)d day", "%(n)d days", days) % {"n": days} if days else "",
        ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours} if hours else "",
        ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes} if minutes and not days else "",
    ]
    return " ".join(part for part in parts if part)


def clock_text(ahead: int) -> str:
    """How wrong the clock of a device is; `ahead` in seconds, less than 0 where it is behind, 0 where it is right."""
    if not ahead:
        return ""
    words = _("the clock of the device is %(length)s ahead") if ahead > 0 else _("the clock of the device is %(length)s behind")
    return words % {"length": length_text(abs(ahead))}


def future_text(ahead: int) -> str:
    """Why a moment that has not come yet is not taken."""
    return _("is from the future: %(clock)s") % {"clock": clock_text(ahead)}

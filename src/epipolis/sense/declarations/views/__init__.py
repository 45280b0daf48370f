"""Pages: for citizens by a code, and for staff by purpose."""

from .citizens import add_member, change_wishes, declare, declare_again, download, erase, mine
from .officers import declare_by_phone, export_purpose, overview, purpose_list

__all__ = [
    "add_member",
    "change_wishes",
    "declare",
    "declare_again",
    "declare_by_phone",
    "download",
    "erase",
    "export_purpose",
    "mine",
    "overview",
    "purpose_list",
]

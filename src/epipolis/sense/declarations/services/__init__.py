"""Every write of the declarations."""

from .codes import CodeError, open_household, renew_code
from .declaring import Answers, DeclarationError, declare
from .households import (
    HouseholdError,
    Started,
    add_member,
    allow,
    forget_household,
    forget_old,
    is_too_often,
    name_member,
    set_needs,
    start_household,
)
from .starting import start_and_declare
from .texts import Reply, take_text

__all__ = [
    "Answers",
    "CodeError",
    "DeclarationError",
    "HouseholdError",
    "Reply",
    "Started",
    "add_member",
    "allow",
    "declare",
    "forget_household",
    "forget_old",
    "is_too_often",
    "name_member",
    "open_household",
    "renew_code",
    "set_needs",
    "start_and_declare",
    "start_household",
    "take_text",
]

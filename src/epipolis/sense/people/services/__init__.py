from .codes import CodeError, forget_return_codes, issue_return_code, open_return_code
from .erasing import erase_person
from .registering import find_or_make_people, find_or_make_person
from .rows import PersonError, PersonRow

__all__ = [
    "CodeError",
    "PersonError",
    "PersonRow",
    "erase_person",
    "find_or_make_people",
    "find_or_make_person",
    "forget_return_codes",
    "issue_return_code",
    "open_return_code",
]

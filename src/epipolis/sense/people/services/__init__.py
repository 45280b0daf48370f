from .codes import CodeError, code_parts, forget_return_codes, issue_return_code, new_code, open_return_code
from .correcting import FIELDS, correct_person
from .doubles import TASK, look_by_night, look_for_doubles, start_looking
from .erasing import erase_person
from .importing import import_people
from .keying import make_missing_keys
from .matching import Match, match_people, match_person
from .merging import answer_question, merge_people, put_off_question, unmerge_people
from .reading import IMPORT_FIELDS, read_birth
from .registering import find_or_make_people, find_or_make_person
from .rows import Birth, PersonError, PersonRow

__all__ = [
    "FIELDS",
    "IMPORT_FIELDS",
    "TASK",
    "Birth",
    "CodeError",
    "Match",
    "PersonError",
    "PersonRow",
    "answer_question",
    "code_parts",
    "correct_person",
    "erase_person",
    "find_or_make_people",
    "find_or_make_person",
    "forget_return_codes",
    "import_people",
    "issue_return_code",
    "look_by_night",
    "look_for_doubles",
    "make_missing_keys",
    "match_people",
    "match_person",
    "merge_people",
    "new_code",
    "open_return_code",
    "put_off_question",
    "read_birth",
    "start_looking",
    "unmerge_people",
]

from .clusters import holding, same_people, same_person, told_apart
from .comparing import Candidate, Option, Rules, candidates, compare_rows, compare_two, evidence, rules_at
from .held import Held, held, person_numbers
from .keys import WAY, match_keys, sharing
from .looks import Look, everything_about, history_of, looks_at, reads_of
from .names import Name, named
from .records import (
    KINDS,
    PersonRecord,
    kind_text,
    mask,
    person,
    person_ids,
    record_of,
    records_apart,
    registered,
    what_is_held,
)
from .searching import digits_of, search

__all__ = [
    "KINDS",
    "WAY",
    "Candidate",
    "Held",
    "Look",
    "Name",
    "Option",
    "PersonRecord",
    "Rules",
    "candidates",
    "compare_rows",
    "compare_two",
    "digits_of",
    "everything_about",
    "evidence",
    "held",
    "history_of",
    "holding",
    "kind_text",
    "looks_at",
    "mask",
    "match_keys",
    "named",
    "person",
    "person_ids",
    "person_numbers",
    "reads_of",
    "record_of",
    "records_apart",
    "registered",
    "rules_at",
    "same_people",
    "same_person",
    "search",
    "sharing",
    "told_apart",
    "what_is_held",
]

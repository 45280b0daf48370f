from .clusters import holding, same_people, same_person
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
    "Look",
    "Name",
    "PersonRecord",
    "digits_of",
    "everything_about",
    "history_of",
    "holding",
    "kind_text",
    "looks_at",
    "mask",
    "named",
    "person",
    "person_ids",
    "reads_of",
    "record_of",
    "records_apart",
    "registered",
    "same_people",
    "same_person",
    "search",
    "what_is_held",
]

"""Pages about people: records, and whether two of them are one person."""

from .matching import answer, look_for_doubles, merge, merge_with, put_off, question, questions, unmerge
from .records import correct, erase, issue_code, mine, mine_download, person, register, search

__all__ = [
    "answer",
    "correct",
    "erase",
    "issue_code",
    "look_for_doubles",
    "merge",
    "merge_with",
    "mine",
    "mine_download",
    "person",
    "put_off",
    "question",
    "questions",
    "register",
    "search",
    "unmerge",
]

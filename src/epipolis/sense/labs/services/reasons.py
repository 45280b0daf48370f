"""Reasons: why a message ended as it did, as sentences that can be translated and values without names of people."""

from typing import Any

from django.utils.translation import gettext_noop

from epipolis.engines.messages import MessageError

Reason = list[list[Any]]

# What keeps a message from being filed, in one word; the inbox filters and offers steps by it.
UNREADABLE, NO_RESULT, REHEARSAL, NOT_OURS = "unreadable", "no_result", "rehearsal", "not_ours"
SENDER, IDENTITY, UNTRUSTED, TWIN = "sender", "identity", "untrusted", "twin"
TEST, ANSWER, NOBODY, PEOPLE, OTHER_PERSON, ORDER, FUTURE, FACTS, FAILED = (
    "test",
    "answer",
    "nobody",
    "people",
    "other_person",
    "order",
    "future",
    "facts",
    "failed",
)
DEVICE, OPERATOR, LOT, SAMPLE, CLOCK = "device", "operator", "lot", "sample", "clock"  # of test devices
PROBLEMS = {
    UNREADABLE: gettext_noop("cannot be read"),
    NO_RESULT: gettext_noop("holds no laboratory result"),
    REHEARSAL: gettext_noop("marked as a test"),
    NOT_OURS: gettext_noop("nothing that is watched"),
    SENDER: gettext_noop("unknown laboratory"),
    IDENTITY: gettext_noop("sent by somebody else"),
    UNTRUSTED: gettext_noop("laboratory not yet trusted"),
    TWIN: gettext_noop("same number, other content"),
    TEST: gettext_noop("unknown test"),
    ANSWER: gettext_noop("unknown answer"),
    NOBODY: gettext_noop("tells of nobody"),
    PEOPLE: gettext_noop("two people with one number"),
    OTHER_PERSON: gettext_noop("correction names another person"),
    ORDER: gettext_noop("final result after its correction"),
    FUTURE: gettext_noop("times that are still to come"),
    FACTS: gettext_noop("the case cannot take it"),
    DEVICE: gettext_noop("test device not in use"),
    OPERATOR: gettext_noop("unknown operator"),
    LOT: gettext_noop("unknown lot"),
    SAMPLE: gettext_noop("unknown sample"),
    CLOCK: gettext_noop("times that cannot be right"),
    FAILED: gettext_noop("could not be processed"),
}


class UnclearError(Exception):
    """A message that a person must look at: the problem in one word, and the reason."""

    def __init__(self, problem: str, text: str, **values: Any) -> None:
        super().__init__(text % values)
        self.problem, self.reason = problem, told(text, **values)


class RejectedError(Exception):
    """A message that is nothing for this city: the problem, the reason, and whether a person should look all the same."""

    def __init__(self, problem: str, reason: Reason, *, is_waiting: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.reason, self.is_waiting = problem, reason, is_waiting


def told(text: str, **values: Any) -> Reason:
    """One sentence and its values."""
    return [[text, {name: str(value)[:100] for name, value in values.items()}]]


def broken(error: MessageError) -> Reason:
    """What of a message breaks which rule. The value itself may be a name, so it is not told here."""
    return [["%(where)s: %(rule)s", {"where": error.where, "rule": error.rule}]]


def no_reason() -> Reason:
    return []

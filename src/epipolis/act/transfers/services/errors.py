"""What can go wrong between two offices, said in one sentence each."""

from typing import Any


class TransferError(ValueError):
    """Something that may not be done: the sentence and its values, for people."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text % values)
        self.text, self.values = text, values


class RefusedError(Exception):
    """A request of another office that is not taken: HTTP status, a word for programs, a sentence for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class UnreachableError(Exception):
    """The other office did not answer, or its answer is not its own; it is tried again."""

"""What may not be done with messages, said in one sentence."""

from typing import Any


class NoticeError(ValueError):
    """Something that may not be done: the sentence and its values, for people."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text % values)
        self.text, self.values = text, values


class SignatureError(ValueError):
    """A report that its provider has not signed; nothing of it is believed."""

"""Ways that people carry, and the person's own page: nothing leaves the platform by itself."""

from collections.abc import Sequence

from .messages import Message, Outcome


class Desk:
    """Calls to make and letters to print: the message is handed over when it stands on the list."""

    name = "desk"
    is_idempotent = True

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return [Outcome("accepted", ref=message.key) for message in messages]


class OwnPage:
    """The page that a person opens with their code; the message stands there, and has arrived when it is read."""

    name = "page"
    is_idempotent = True

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return [Outcome("accepted", ref=message.key) for message in messages]


class Missing:
    """A channel that the city has not set up, or no longer."""

    name = "none"
    is_idempotent = True

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return [Outcome("refused", text="The city has not set up this channel.") for _ in messages]

"""Several connections to one provider at the same time, each kept for as long as a batch lasts."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from epipolis.core.outgoing import Answer, Line, NoAnswerError

from .messages import Message, Outcome, told

Send = Callable[[Line, Message], Outcome]


def send_by_lines(messages: Sequence[Message], address: str, send: Send, *, lines: int, seconds: float) -> list[Outcome]:
    """Hand messages over, shared among up to `lines` connections; the outcomes in the order of the messages."""
    shares = [messages[start::lines] for start in range(min(lines, len(messages)))]
    if len(shares) <= 1:
        return _share(messages, address, send, seconds)
    with ThreadPoolExecutor(len(shares)) as pool:
        done = list(pool.map(lambda share: _share(share, address, send, seconds), shares))
    return [done[place % len(shares)][place // len(shares)] for place in range(len(messages))]


def no_answer(error: NoAnswerError) -> Outcome:
    """Nothing left when no connection was made; otherwise nobody knows."""
    return Outcome("unsure" if error.sent else "later", text=told(error))


def busy(answer: Answer, text: str) -> Outcome | None:
    """The outcome of an answer that says nothing about the message itself: too much at once, trouble, a wrong key."""
    if answer.status == 429 or answer.status >= 500 or answer.status in (401, 403, 408):
        wait = answer.headers.get("Retry-After", "")
        return Outcome("later", text=f"{answer.status}: {told(text)}"[:200], wait=int(wait) if wait.isdigit() else 0)
    return None


def _share(messages: Sequence[Message], address: str, send: Send, seconds: float) -> list[Outcome]:
    with closing(Line(address, seconds=seconds)) as line:
        return [_one(line, message, send) for message in messages]


def _one(line: Line, message: Message, send: Send) -> Outcome:
    try:
        return send(line, message)
    except NoAnswerError as error:
        return no_answer(error)

"""What the messages of one job share: what was asked once, and what is told after the last of them."""

from collections.abc import Iterable, Sequence

from epipolis.core import live
from epipolis.core.events import publish_many
from epipolis.sense.labs.events import ResultFiled
from epipolis.sense.labs.models import LabMessage, Laboratory

from .filing import Filed
from .reading import Meanings, meanings_of


class Shared:
    """Lives as long as one transaction."""

    def __init__(self) -> None:
        self._meanings: dict[int | None, Meanings] = {}
        self._single: set[int] = set()
        self._filed: list[ResultFiled] = []
        self._ended: list[int] = []

    def meanings(self, laboratory: Laboratory | None) -> Meanings:
        """What codes mean, of this laboratory."""
        number = laboratory.id if laboratory else None
        if number not in self._meanings:
            self._meanings[number] = meanings_of(laboratory)
        return self._meanings[number]

    def look_for_twins(self, messages: Sequence[LabMessage]) -> None:
        """Find out which of these messages have a number to themselves; their numbers are held."""
        own = {(one.sender, one.message_id): one.id for one in messages}
        same = LabMessage.objects.filter(sender__in={sender for sender, _ in own}, message_id__in={number for _, number in own})
        count: dict[tuple[str, str], int] = {}
        for pair in same.values_list("sender", "message_id"):
            count[pair] = count.get(pair, 0) + 1
        self._single |= {number for pair, number in own.items() if count.get(pair) == 1}

    def is_single(self, message: LabMessage) -> bool:
        """Whether it is known that no other message has the same number."""
        return message.id in self._single

    def files(self, filed: Iterable[Filed]) -> None:
        """Remember what was filed."""
        self._filed += [ResultFiled(one.result.id, one.result.person_id, one.result.case_id) for one in filed]

    def ends(self, message: LabMessage) -> None:
        """Remember that a message has its state."""
        self._ended.append(message.id)

    def tell(self) -> None:
        """Tell the modules downstream and the open pages, when the transaction commits."""
        publish_many(self._filed)
        if len(self._ended) == 1:
            live.tell("labs", message=self._ended[0])
        elif self._ended:
            live.tell("labs")

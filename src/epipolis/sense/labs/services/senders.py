"""Senders: which registered laboratory a message is from, by what it says and by what proves it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from epipolis.sense.labs.models import Laboratory

from .envelopes import Envelope


@dataclass(frozen=True)
class Senders:
    """The laboratories that some messages may be from, asked for together."""

    by_code: dict[str, Laboratory]
    by_account: dict[int, Laboratory]
    by_certificate: dict[str, Laboratory]

    @classmethod
    def of(cls, found: Iterable[Envelope]) -> "Senders":
        found = list(found)
        codes = {code for one in found for code in one.codes}
        accounts = {one.incoming.account for one in found if one.incoming.account}
        names = {one.incoming.certificate for one in found if one.incoming.certificate}
        rows = list(Laboratory.objects.filter(Q(code__in=codes) | Q(account__in=accounts) | Q(certificate__in=names)))
        return cls(
            {row.code: row for row in rows},
            {row.account_id: row for row in rows if row.account_id},
            {row.certificate: row for row in rows if row.certificate},
        )

    def laboratory(self, one: Envelope) -> Laboratory | None:
        """The one that the token or certificate proves, else the one that the message names first."""
        return self._proven(one) or self._named(one)

    def is_contradicted(self, one: Envelope) -> bool:
        """Whether a message names another laboratory than the one that sent it, or one that proves itself otherwise."""
        named, proven = self._named(one), self._proven(one)
        if named is None or one.incoming.road == "import":
            return False
        if proven is not None:
            return named.id != proven.id
        return bool(named.certificate if one.incoming.road == "mllp" else named.account_id)

    def _named(self, one: Envelope) -> Laboratory | None:
        return next((self.by_code[code] for code in one.codes if code in self.by_code), None)

    def _proven(self, one: Envelope) -> Laboratory | None:
        by_account = self.by_account.get(one.incoming.account) if one.incoming.account else None
        return by_account or self.by_certificate.get(one.incoming.certificate)


def laboratory_named(sender: str) -> Laboratory | None:
    """The laboratory of a stored message that came before it was registered."""
    parts = [*reversed(sender.split("|")), sender]
    found = {row.code: row for row in Laboratory.objects.filter(code__in=parts)}
    return next((found[part] for part in parts if part in found), None)

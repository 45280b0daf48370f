from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    hold_seconds: int = 15  # so long an offer or an answer waits before it leaves, and can be taken back
    skew_seconds: int = 300  # a signed request whose time differs by more is refused
    timeout_seconds: int = 15  # for an answer of another office
    first_wait_seconds: int = 10  # before the second try of a delivery; each wait is twice the one before
    longest_wait_seconds: int = 3_600  # between two tries
    give_up_hours: int = 168  # a delivery that has not worked for so long has failed; a person may start it again
    body_bytes: int = 2_097_152  # a larger request is refused
    most_cases: int = 2_000  # in one export or import
    keep_days: int = 90  # a document is kept so long after its transfer ended; a shared case as long as it is shared
    proof_days: int = 1_825  # the transfer itself, without its document, so that it stays known who owns what since when


settings = settings_from_env("transfers", Settings)

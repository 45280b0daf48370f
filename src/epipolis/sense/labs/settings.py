from dataclasses import dataclass

from epipolis.core.modules import settings_from_env

UNKNOWN = ("unclear", "rejected", "taken")


@dataclass(frozen=True)
class Settings:
    unknown_sender: str = "unclear"  # messages of laboratories that nobody registered: unclear, rejected or taken
    message_bytes: int = 1_048_576  # a larger message is refused
    idle_seconds: float = 300.0  # a connection that says nothing for so long is closed
    connections: int = 500  # laboratories' connections at the same time
    mllp_host: str = "127.0.0.1"  # where `epipolis mllp` listens; another address needs a certificate
    tls_certificate: str = ""  # PEM file of the listener's certificate; with tls_key
    tls_key: str = ""
    tls_clients: str = ""  # PEM file of the authority whose certificates laboratories must show
    silent_hours: int = 48  # a laboratory that has sent nothing for so long is shown as silent
    stuck_minutes: int = 10  # a message that is still unprocessed after so long is processed again
    tries: int = 4  # of processing, before a person must look
    raw_days: int = 180  # how long the text of a message is kept

    def __post_init__(self) -> None:
        if self.unknown_sender not in UNKNOWN:
            raise ValueError(f"EPIPOLIS_LABS_UNKNOWN_SENDER must be one of {', '.join(UNKNOWN)}")


settings = settings_from_env("labs", Settings)

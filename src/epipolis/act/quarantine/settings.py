from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    keep_days: int = 180  # orders that ended longer ago are erased with all that belongs to them
    link_days: int = 14  # so long after its end a person can still read their order and appeal
    hotline: str = ""  # the telephone number that papers and the person's page show
    watch_law: str = ""  # the legal basis of watching a phone, where the rules that ship say none
    watch_purpose: str = ""  # and its purpose; without both no phone is ever watched
    disease: str = "COVID-19"  # of orders from another list that name none
    import_rows: int = 1_000  # rows of a list that are taken in one transaction
    network: str = ""  # the operator that is asked where enrolled terminals are: mlp, camara or simulated; empty: none
    network_url: str = ""  # its address
    network_user: str = ""  # the name by which it knows this city (mlp)
    network_secret: str = ""  # the password (mlp) or access token (camara)
    shift_notes_days: int = 30  # notes that shifts of the desk leave for each other


settings = settings_from_env("quarantine", Settings)

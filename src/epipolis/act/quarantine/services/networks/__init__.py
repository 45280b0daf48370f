"""Phone networks: where a terminal is, as its operator says. Each speaks its own published format and gives the same rows."""

from django.utils.translation import gettext_noop

from epipolis.act.quarantine.settings import settings

from .camara import Camara
from .located import Located, Network, NetworkError
from .mlp import Mlp
from .simulated import SimulatedNetwork

__all__ = ["KINDS", "NAMES", "Camara", "Located", "Mlp", "Network", "NetworkError", "SimulatedNetwork", "network_of"]
NAMES = {
    "mlp": gettext_noop("OMA Mobile Location Protocol 3"),
    "camara": gettext_noop("CAMARA Device Location Retrieval"),
    "simulated": gettext_noop("a made-up network"),
}
KINDS = tuple(NAMES)


def network_of(kind: str) -> Network | None:
    """The network that the city's settings name; None where they name none, or the simulated one, which needs places.

    Raises:
        ValueError: there is no such kind, or its address is missing.
    """
    if kind in ("", "simulated"):
        return None
    if kind not in KINDS:
        raise ValueError(f"EPIPOLIS_QUARANTINE_NETWORK: is one of {', '.join(KINDS)}, not {kind}")
    if not settings.network_url:
        raise ValueError("EPIPOLIS_QUARANTINE_NETWORK_URL: the address of the operator is missing")
    if kind == "mlp":
        return Mlp(settings.network_url, user=settings.network_user, password=settings.network_secret)
    return Camara(settings.network_url, token=settings.network_secret)

"""Growth-damped baseline: the growth of the last two weeks goes on, less from week to week."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

OWN_FADES = 0.4
SHARED_FADES = 0.75
"""What of the growth is left after a week; on past influenza admissions and COVID-19 cases and deaths these served best."""


def damped(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    Growth that all places have fades more slowly than what one place has besides.
    """
    shared, own = growth(panel)
    centres = np.empty((len(own), steps))
    errors = []
    for step in range(1, steps + 1):
        ahead = _ahead(shared, own, step)
        centres[:, step - 1] = panel.levels[:, -1] + panel.base[:, -1] * ahead[:, -1]
        change = panel.changes(step)
        errors.append(change - ahead[:, : change.shape[1]])
    return quantiles_around(panel, centres, errors, levels)


def growth(panel: Panel) -> tuple[Floats, Floats]:
    """Weekly growth of all places, and what a place has besides, less of it where counts are small."""
    features = panel.features
    shared = (2 * (features[..., 6] + features[..., 7]) + features[..., 8]) / 3
    own = (2 * (features[..., 0] + features[..., 1]) + features[..., 2] + features[..., 3]) / 3
    surely = 0.02 / 16 / panel.noise
    return shared, np.sqrt(surely) * (own - shared)


def _ahead(shared: Floats, own: Floats, step: int) -> Floats:
    powers = np.arange(1, step + 1)
    return own * float(np.sum(OWN_FADES**powers)) + shared * float(np.sum(SHARED_FADES**powers))

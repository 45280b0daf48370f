"""The probability levels at which a forecast is told."""

import numpy as np
from numpy.typing import NDArray

LEVELS: NDArray[np.float64] = np.round(np.concatenate([[0.01, 0.025], np.arange(1, 20) / 20, [0.975, 0.99]]), 3)
"""The 23 levels of the public forecast hubs, from 0.01 to 0.99."""
LEVELS.setflags(write=False)

"""The array types of the engine."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Positions: TypeAlias = NDArray[np.uint32]
Table: TypeAlias = NDArray[np.int64]
Bits: TypeAlias = NDArray[np.uint8]
Whole: TypeAlias = int | np.integer[Any]

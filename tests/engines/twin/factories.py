"""Small cities and runs for the tests of the twin."""

from dataclasses import replace
from datetime import date

import numpy as np

from epipolis.engines.twin import COVID_19_ANCESTRAL

MONDAY = date(2026, 1, 5)


def busy(introduced_per_100k=300, **changes):
    """COVID-19 with many introductions, so that a small city has an epidemic."""
    return replace(COVID_19_ANCESTRAL, introduced_per_100k=introduced_per_100k, **changes)


def column(table, name):
    return np.asarray(table.column(name).to_numpy())


def nulls(table, name):
    return table.column(name).is_null().to_numpy()

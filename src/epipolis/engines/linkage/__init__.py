"""Are these two records one person? Names in any script, partial dates, several kinds of evidence, three answers.

    keys = blocking_keys(record)                            # strings; whoever shares one is a candidate
    levels = compare_with(record, candidates)               # how far they agree, field by field
    weights = default_weights()                             # or Weights.from_dict(…), estimate(levels of many pairs)
    bits = score_pairs(levels, weights)
    band(bits[0], levels[0])                                # "link", "ask" or "new"
    explain(levels[0], weights)                             # (field, level, bits) of each, together the whole

    first, second = candidate_pairs(left, right)            # the same for Arrow tables
    levels = compare_pairs(left, right, (first, second), workers=2)
    bands(score_pairs(levels, weights), levels)

Everything follows from what is passed in: no files, clock or randomness.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.linkage.comparing import compare, compare_births, compare_pairs, compare_with
    from epipolis.engines.linkage.defaults import default_weights
    from epipolis.engines.linkage.forms import Forms, read
    from epipolis.engines.linkage.frequencies import Frequencies, frequencies_of
    from epipolis.engines.linkage.keys import MOST_SHARING, blocking_keys, common_keys
    from epipolis.engines.linkage.learning import estimate
    from epipolis.engines.linkage.levels import FIELDS, LEVELS, MISSING, level_name
    from epipolis.engines.linkage.names import fold, is_same_name, latin, skeleton
    from epipolis.engines.linkage.pairs import candidate_pairs
    from epipolis.engines.linkage.records import SCHEMA, Record, records_of, table_of
    from epipolis.engines.linkage.verdicts import BANDS, Band, Thresholds, band, bands
    from epipolis.engines.linkage.weights import Score, Weights, explain, probability_of, score, score_pairs

# The compiled loops take a second to load: only who compares waits.
_HOMES = {
    "verdicts": ("BANDS", "Band", "Thresholds", "band", "bands"),
    "comparing": ("compare", "compare_births", "compare_pairs", "compare_with"),
    "defaults": ("default_weights",),
    "forms": ("Forms", "read"),
    "frequencies": ("Frequencies", "frequencies_of"),
    "keys": ("MOST_SHARING", "blocking_keys", "common_keys"),
    "learning": ("estimate",),
    "levels": ("FIELDS", "LEVELS", "MISSING", "level_name"),
    "names": ("fold", "is_same_name", "latin", "skeleton"),
    "pairs": ("candidate_pairs",),
    "records": ("SCHEMA", "Record", "records_of", "table_of"),
    "weights": ("Score", "Weights", "explain", "probability_of", "score", "score_pairs"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BANDS",
    "FIELDS",
    "LEVELS",
    "MISSING",
    "MOST_SHARING",
    "SCHEMA",
    "Band",
    "Forms",
    "Frequencies",
    "Record",
    "Score",
    "Thresholds",
    "Weights",
    "band",
    "bands",
    "blocking_keys",
    "candidate_pairs",
    "common_keys",
    "compare",
    "compare_births",
    "compare_pairs",
    "compare_with",
    "default_weights",
    "estimate",
    "explain",
    "fold",
    "frequencies_of",
    "is_same_name",
    "latin",
    "level_name",
    "probability_of",
    "read",
    "records_of",
    "score",
    "score_pairs",
    "skeleton",
    "table_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the linkage engine has no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found

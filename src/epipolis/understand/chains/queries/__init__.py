"""Every question that the chains answer."""

from .evidence import Evidence, Known, around, evidence, is_confirmed, known_cases, lags_of, pairs_table
from .links import (
    COLUMNS,
    count_open,
    export_rows,
    judgement,
    judgements_of,
    links_between,
    links_to,
    rule_on,
)
from .overviews import Cluster, Figures, clusters_now, figures_of, histogram, offspring_chart
from .trees import Drawn, Row, chain_of, cluster_of, draw, forest

__all__ = [
    "COLUMNS",
    "Cluster",
    "Drawn",
    "Evidence",
    "Figures",
    "Known",
    "Row",
    "around",
    "chain_of",
    "cluster_of",
    "clusters_now",
    "count_open",
    "draw",
    "evidence",
    "export_rows",
    "figures_of",
    "forest",
    "histogram",
    "is_confirmed",
    "judgement",
    "judgements_of",
    "known_cases",
    "lags_of",
    "links_between",
    "links_to",
    "offspring_chart",
    "pairs_table",
    "rule_on",
]

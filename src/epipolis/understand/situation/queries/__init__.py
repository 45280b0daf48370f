from .charts import age_chart, class_counts, curve_chart, week_chart
from .delays import Hop, hops
from .picture import Picture, facts_version, known_days, picture
from .published import Published, published
from .tables import age_table, curve_table, district_table
from .tiles import active_tile, curve_tile, incidence_tile, new_cases_tile

__all__ = [
    "Hop",
    "Picture",
    "Published",
    "active_tile",
    "age_chart",
    "age_table",
    "class_counts",
    "curve_chart",
    "curve_table",
    "curve_tile",
    "district_table",
    "facts_version",
    "hops",
    "incidence_tile",
    "known_days",
    "new_cases_tile",
    "picture",
    "published",
    "week_chart",
]

from .areas import (
    district_named,
    districts,
    matching_neighbourhoods,
    neighbourhood_named,
    neighbourhoods,
    plain,
    population,
    population_by_age,
    pyramid,
    total_population,
    with_people,
    with_people_here,
)
from .layers import border_geojson, layer
from .places import district_rows, kinds, matching_places, place_coded, place_rows, places, places_by_id, places_coded
from .points import neighbourhood_at, neighbourhoods_at
from .remembered import look_again

__all__ = [
    "border_geojson",
    "district_named",
    "district_rows",
    "districts",
    "kinds",
    "layer",
    "look_again",
    "matching_neighbourhoods",
    "matching_places",
    "neighbourhood_at",
    "neighbourhood_named",
    "neighbourhoods",
    "neighbourhoods_at",
    "place_coded",
    "place_rows",
    "places",
    "places_by_id",
    "places_coded",
    "plain",
    "population",
    "population_by_age",
    "pyramid",
    "total_population",
    "with_people",
    "with_people_here",
]

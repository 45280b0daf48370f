"""A small city in the sea off Africa: squares of a tenth of a degree, side by side, west to east."""

import json
from datetime import UTC, datetime

from epipolis.sense.city import queries, services
from epipolis.sense.city.models import District, Neighbourhood, PopulationCount

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
WEST, SOUTH, SIDE = -20.0, 30.0, 0.1


def square(west=WEST, south=SOUTH, side=SIDE):
    """A square as a GeoJSON polygon, its corner in the south-west."""
    east, north = round(west + side, 6), round(south + side, 6)
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def two_districts():
    return [
        feature(square(), code="D1", name="Harbour", full_name="Demo Harbour"),
        feature(square(WEST + SIDE), code="D2", name="Hill", full_name="Demo Hill"),
    ]


def three_neighbourhoods():
    half = SIDE / 2
    return [
        feature(square(side=half), code="N1", name="Docks", district="D1"),
        feature(square(WEST + half, side=half), code="N2", name="Market", district="Harbour"),
        feature(square(WEST + SIDE, side=half), code="N3", name="Docks", district="demo hill"),
    ]


def folder(path, *, districts=None, neighbourhoods=None, population=None, places=None):
    """Write a city's folder with what is given, and two districts with three neighbourhoods where nothing is."""
    areas = {"districts": two_districts() if districts is None else districts}
    areas["neighbourhoods"] = three_neighbourhoods() if neighbourhoods is None else neighbourhoods
    path.mkdir(exist_ok=True)
    for name, features in areas.items():
        content = {"type": "FeatureCollection", "features": features}
        (path / f"{name}.geojson").write_text(json.dumps(content), encoding="utf-8")
    for name, text in (("population", population), ("places", places)):
        if text is not None:
            (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def load(path, **parts):
    return services.load_city(folder(path, **parts), by="tester", at=AT)


def district(code="D1", name="Harbour", west=WEST, **fields):
    fields = {"full_name": f"Demo {name}", "border": square(west), "area_m2": 1e8, "known_at": AT} | fields
    made, _ = District.objects.get_or_create(code=code, defaults={"name": name} | fields)
    queries.look_again()
    return made


def neighbourhood(code="N1", name="Docks", within=None, west=WEST, **fields):
    fields = {"border": square(west, side=SIDE / 2), "area_m2": 2.5e7, "known_at": AT} | fields
    within = within or district(west=west)
    made, _ = Neighbourhood.objects.get_or_create(code=code, defaults={"name": name, "district": within} | fields)
    queries.look_again()
    return made


def place(code="P1", name="Blue Café", kind="café", lon=WEST + 0.01, lat=SOUTH + 0.01, **fields):
    return services.add_place(code, name, kind, lon=lon, lat=lat, by="tester", at=AT, **fields)


def people_of(area, people=1_000, sex="", age_from=0, age_to=None):
    """Count people in a district or a neighbourhood."""
    is_finer = isinstance(area, Neighbourhood)
    return PopulationCount.objects.create(
        district=area.district if is_finer else area,
        neighbourhood=area if is_finer else None,
        sex=sex,
        age_from=age_from,
        age_to=age_to,
        people=people,
    )

"""Districts and neighbourhoods: which there are, how many people live there, and which one a text means."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from epipolis.sense.city.models import District, Neighbourhood, Place, PopulationCount

from .remembered import Remembered


def districts() -> QuerySet[District]:
    return District.objects.order_by("name", "id")


def neighbourhoods() -> QuerySet[Neighbourhood]:
    return Neighbourhood.objects.select_related("district").order_by("district__name", "name", "id")


def matching_neighbourhoods(text: str = "", district: int | None = None) -> QuerySet[Neighbourhood]:
    """Neighbourhoods whose name or code contains the text, without their borders."""
    found = neighbourhoods().defer("border", "district__border")
    if text := text.replace("\0", "").strip():
        found = found.filter(Q(name__icontains=text) | Q(full_name__icontains=text) | Q(code__iexact=text))
    return found.filter(district=district) if district else found


def district_named(text: str) -> District | None:
    """The district that a text names by its name, full name or code; case, width and spaces do not matter.

    None when no district or more than one fits. Remembered, so that it may be asked for every row of a file.
    """
    return _districts_by_name().get(plain(text)) if text else None


def neighbourhood_named(text: str, district: District | None = None) -> Neighbourhood | None:
    """The neighbourhood that a text names by code, full name or name; its district settles which of several."""
    if not text:
        return None
    found = _neighbourhoods_by_name().get(plain(text), [])
    fitting = [area for area in found if district is None or area.district_id == district.id]
    return fitting[0] if len(fitting) == 1 else None


def population() -> dict[int, int]:
    """How many people live in each district, by the district's id."""
    return dict(with_people(District.objects.all()).exclude(people=None).values_list("id", "people"))


def total_population() -> int:
    return int(_district_counts().aggregate(n=Coalesce(Sum("people"), 0))["n"])


def counts() -> dict[str, int]:
    """How many districts, neighbourhoods and places there are, and how many people are counted."""
    return {
        "districts": District.objects.count(),
        "neighbourhoods": Neighbourhood.objects.count(),
        "places": Place.objects.count(),
        "people": _district_counts().aggregate(n=Coalesce(Sum("people"), 0))["n"],
    }


def population_by_age(bands: Sequence[tuple[int, int | None]]) -> dict[int, dict[tuple[int, int | None], int]]:
    """People of each district in age bands `(from, to)`, both included, `None` for no upper end: {district: {band: people}}.

    A counted band that straddles two wanted ones is split by years, as if each year of age had as many people; an open
    counted band goes where it begins.
    """
    found: dict[int, dict[tuple[int, int | None], float]] = {}
    for district, age_from, age_to, people in _district_counts().values_list("district", "age_from", "age_to", "people"):
        row = found.setdefault(district, dict.fromkeys(bands, 0.0))
        for band in bands:
            row[band] += people * _share(age_from, age_to, band)
    return {district: {band: round(people) for band, people in row.items()} for district, row in found.items()}


def pyramid(*, district: int | None = None, neighbourhood: int | None = None) -> list[tuple[str, int, int | None, int]]:
    """(sex, age from, age to, people) of an area as counted, youngest first; the whole city when none is named."""
    counts = PopulationCount.objects.filter(neighbourhood=neighbourhood) if neighbourhood else _district_counts()
    counts = counts.filter(district=district) if district else counts
    grouped = counts.values("sex", "age_from", "age_to").annotate(n=Sum("people")).order_by("age_from", "age_to", "sex")
    return [(row["sex"], row["age_from"], row["age_to"], row["n"]) for row in grouped]


def counted_people() -> list[dict[str, Any]]:
    """Every count as it was loaded: neighbourhood and district (codes; neighbourhood None: of the whole district), sex,
    age_from, age_to (None: and older), people."""
    found = PopulationCount.objects.annotate(area=F("neighbourhood__code"), of=F("district__code"))
    rows = found.order_by("of", "area", "sex", "age_from").values_list("area", "of", "sex", "age_from", "age_to", "people")
    return [dict(zip(("neighbourhood", "district", "sex", "age_from", "age_to", "people"), row, strict=True)) for row in rows]


def with_people(areas: QuerySet[District]) -> QuerySet[District]:
    """Districts with `people`: the district's own counts, or those of its neighbourhoods where it has none."""
    whole = PopulationCount.objects.filter(district=OuterRef("pk"), neighbourhood=None).order_by().values("district")
    parts = PopulationCount.objects.filter(district=OuterRef("pk")).exclude(neighbourhood=None).order_by().values("district")
    return areas.annotate(
        people=Coalesce(
            Subquery(whole.annotate(n=Sum("people")).values("n")), Subquery(parts.annotate(n=Sum("people")).values("n"))
        )
    )


def with_people_here(areas: QuerySet[Neighbourhood]) -> QuerySet[Neighbourhood]:
    counts = PopulationCount.objects.filter(neighbourhood=OuterRef("pk")).order_by().values("neighbourhood")
    return areas.annotate(people=Subquery(counts.annotate(n=Sum("people")).values("n")))


def plain(text: str) -> str:
    """A name without the differences that do not tell two areas apart."""
    folded = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.replace("台", "臺")  # two ways to write one syllable, mixed freely in real files


def _district_counts() -> QuerySet[PopulationCount]:
    counted = PopulationCount.objects.filter(neighbourhood=None).values("district")
    return PopulationCount.objects.filter(Q(neighbourhood=None) | ~Q(district__in=counted))


def _share(age_from: int, age_to: int | None, band: tuple[int, int | None]) -> float:
    """Which part of a counted band falls into a wanted one."""
    low, high = band
    if age_to is None or age_to <= age_from:
        return float(low <= age_from and (high is None or age_from <= high))
    years = min(age_to, age_to if high is None else high) - max(age_from, low) + 1
    return max(0, years) / (age_to - age_from + 1)


def _find_districts() -> dict[str, District]:
    found: dict[str, set[District]] = {}
    for area in District.objects.defer("border"):
        for name in {plain(area.name), plain(area.full_name), plain(area.code)} - {""}:
            found.setdefault(name, set()).add(area)
    return {name: areas.pop() for name, areas in found.items() if len(areas) == 1}


def _find_neighbourhoods() -> dict[str, list[Neighbourhood]]:
    found: dict[str, list[Neighbourhood]] = {}
    for area in neighbourhoods().defer("border", "district__border").order_by("id"):
        for name in {plain(area.name), plain(area.full_name), plain(area.code)} - {""}:
            found.setdefault(name, []).append(area)
    return found


def _editions(model: type[District] | type[Neighbourhood]) -> Callable[[], object]:
    return lambda: tuple(
        model.objects.aggregate(n=Coalesce(Sum("edition"), 0), m=Coalesce(Sum(F("id") * F("edition")), 0)).values()
    )


_districts_by_name = Remembered(_find_districts, _editions(District))
_neighbourhoods_by_name = Remembered(_find_neighbourhoods, _editions(Neighbourhood))

"""Tracing again, as slowly and plainly as possible: plain Python, every pair of rows."""

Row = dict[str, int | bool]


def merged(windows: list[Row]) -> list[tuple[int, int, int]]:
    """Join the windows of a visitor second by second."""
    result = []
    for visitor in sorted({int(window["visitor"]) for window in windows}):
        own = [window for window in windows if window["visitor"] == visitor]
        seconds = sorted({second for window in own for second in range(int(window["from"]), int(window["until"]))})
        starts = [second for second in seconds if second - 1 not in set(seconds)]
        ends = [second + 1 for second in seconds if second + 1 not in set(seconds)]
        result += [(visitor, start, end) for start, end in zip(starts, ends, strict=True)]
    return result


def clip(visits: list[Row], windows: list[Row], least: int) -> list[dict[str, int | bool]]:
    result = []
    for visit in visits:
        for visitor, opens, closes in merged(windows):
            start, end = max(int(visit["arrived"]), opens), min(int(visit["left"]), closes)
            if visit["visitor"] == visitor and end - start >= max(least, 1):
                result.append({**visit, "arrived": start, "left": end, "window": opens})
    return result


def contacts(visits: list[Row], cases: list[Row], least: int) -> list[tuple[int | bool, ...]]:
    result = []
    for stay in clip(visits, cases, least):
        for other in visits:
            start, end = max(stay["arrived"], other["arrived"]), min(stay["left"], other["left"])
            if other["visitor"] != stay["visitor"] and other["place"] == stay["place"] and end - start >= max(least, 1):
                certain = bool(stay.get("exact", True) and other.get("exact", True))
                result.append((other["visitor"], stay["visitor"], stay["place"], start, end, end - start, certain))
    return sorted(result)


def sources(visits: list[Row], exposures: list[Row], cases: list[Row], least: int) -> list[tuple[int | bool, ...]]:
    result = []
    for exposed in clip(visits, exposures, least):
        own = [opens for v, opens, closes in merged(cases) if v == exposed["visitor"] and closes > exposed["window"]]
        for stay in clip(visits, cases, least):
            start, end = max(stay["arrived"], exposed["arrived"]), min(stay["left"], exposed["left"])
            meet = stay["visitor"] != exposed["visitor"] and stay["place"] == exposed["place"]
            if meet and end - start >= max(least, 1) and (not own or stay["window"] < min(own)):
                certain = bool(stay.get("exact", True) and exposed.get("exact", True))
                result.append((exposed["visitor"], stay["visitor"], stay["place"], start, end, end - start, certain))
    return sorted(result)


def most_within(intervals: list[tuple[int, int]], within: int) -> int:
    seconds = {second for start, end in intervals for second in range(start, end)}
    return max((sum(start <= other < start + within for other in seconds) for start in seconds), default=0)


def clusters(visits: list[Row], at_least_cases: int, gap: int) -> list[tuple[int | bool, ...]]:
    """Join groups of visits as long as any two can be joined."""
    groups = [[visit] for visit in visits]
    joined = True
    while joined:
        joined = False
        for one in groups:
            for two in groups:
                if one is not two and one[0]["place"] == two[0]["place"] and _are_close(one, two, gap):
                    one += two
                    groups.remove(two)
                    joined = True
                    break
            if joined:
                break
    rows = [_describe(group) for group in groups]
    return sorted(row for row in rows if row[3] >= at_least_cases)


def _are_close(one: list[Row], two: list[Row], gap: int) -> bool:
    return any(a["arrived"] < b["left"] + gap and b["arrived"] < a["left"] + gap for a in one for b in two)


def _describe(group: list[Row]) -> tuple[int | bool, ...]:
    start, end = min(visit["arrived"] for visit in group), max(visit["left"] for visit in group)
    certain = all(visit.get("exact", True) for visit in group)
    return (group[0]["place"], start, end, len({visit["visitor"] for visit in group}), len(group), certain)

"""The fence once more, slowly and from its description: a dictionary for each person, one position after the other."""

import math

from epipolis.engines.fence import STATES

EARTH = 6_371_008.8


def distance(lon, lat, other_lon, other_lat):
    one, other = math.radians(lat), math.radians(other_lat)
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH * math.asin(math.sqrt(half))


class Fence:
    def __init__(self, fences, rule):
        self.fences, self.rule = fences.to_table().to_pylist(), rule
        self.people = [
            {
                "state": "unknown",
                "time": None,
                "good": None,
                "doubt": None,
                "run": [],
                "back": 0,
                "unsure": 0,
                "open": None,
                "doubts": [],
            }
            for _ in self.fences
        ]

    def follow(self, positions):
        return [told for row in positions.to_pylist() if (told := self.one(row))]

    def one(self, row):
        who, at = row["person"], row["time"]
        if not 0 <= who < len(self.people):
            return None
        fence, person = self.fences[who], self.people[who]
        if not fence["starts"] <= at < fence["ends"] or (person["time"] is not None and at <= person["time"]):
            return None
        if row.get("arrived") is not None and at > row["arrived"] + self.rule.clock_tolerance:
            return None
        person["time"] = at
        before, was_open = person["state"], person["open"]
        where, forged = self.where(person, fence, row)
        if where == "out" and row.get("excused") and not person["run"] and not person["open"]:
            where = "either"
        after = getattr(self, where)(person, row)
        person["state"] = after
        if after == before and forged is None:
            return None
        began = forged if forged is not None else person["open"] if where == "out" else was_open
        return (who, at, STATES.index(before), STATES.index(after), 0 if forged is None else 2, began)

    def where(self, person, fence, row):
        lon, lat = row["lon"], row["lat"]
        if lon is None or math.isnan(lon) or (abs(lon) < 1e-3 and abs(lat) < 1e-3):
            return "word", None
        stated, by_cell = row["accuracy"], row["source"] == 2
        if stated is None or math.isnan(stated) or stated <= 0:
            stated = self.rule.cell_radius if by_cell else self.rule.unsaid_accuracy
        if stated > self.rule.least_accuracy:
            return "word", None
        fix = (row["time"], lon, lat, max(stated * self.rule.times_accuracy, self.rule.best_accuracy))
        if (
            person["good"]
            and self.too_fast(person["good"], fix)
            and not (person["doubt"] and not self.too_fast(person["doubt"], fix))
        ):
            person["doubt"] = fix
            if not person["doubts"] or fix[0] - person["doubts"][0] > self.rule.spoof_within:
                person["doubts"] = []
            person["doubts"].append(fix[0])
            return "word", person["doubts"][0] if len(person["doubts"]) == self.rule.spoof_fixes else None
        person["good"], person["doubt"] = fix, None
        first = (fence["lon"], fence["lat"], fence["radius"])
        second = (fence["next_lon"], fence["next_lat"], fence["next_radius"])
        if fix[0] < fence["move_from"]:
            return self.circle(first, fix, by_cell), None
        if fix[0] >= fence["move_until"]:
            return self.circle(second, fix, by_cell), None
        return (
            "inside" if "inside" in (self.circle(first, fix, by_cell), self.circle(second, fix, by_cell)) else "either"
        ), None

    def too_fast(self, one, other):
        return distance(*one[1:3], *other[1:3]) > self.rule.most_speed * (other[0] - one[0]) + one[3] + other[3]

    def circle(self, circle, fix, by_cell):
        margin = (max(circle[2], self.rule.cell_radius) if by_cell else circle[2]) + self.rule.buffer
        away = distance(circle[0], circle[1], fix[1], fix[2])
        if away - fix[3] > margin:
            return "out"
        return "inside" if away <= margin and fix[3] <= margin else "either"

    def word(self, person, row):
        if person["state"] in ("silent", "off"):
            return "outside" if person["open"] else "uncertain"
        return person["state"]

    def inside(self, person, row):
        person["run"], person["unsure"] = [], 0
        person["back"] += 1
        if person["open"] and person["back"] < self.rule.fixes_back:
            return "outside"
        person["open"] = None
        return "inside"

    def either(self, person, row):
        person["unsure"] += 1
        if person["unsure"] >= self.rule.unsure_fixes:
            person["run"] = []
        if person["open"]:
            return "outside"
        keeps = person["state"] == "inside" and not person["run"] and person["unsure"] < self.rule.unsure_fixes
        return "inside" if keeps else "uncertain"

    def out(self, person, row):
        person["back"] = person["unsure"] = 0
        stated = row["accuracy"]
        if stated is None or math.isnan(stated) or stated <= 0:
            sure = row["source"] == 0
        else:
            sure = row["source"] in (0, 3) and stated <= self.rule.sure_accuracy
        person["run"].append((row["time"], sure))
        if person["open"]:
            return "outside"
        needed = self.rule.fixes if any(sure for _, sure in person["run"]) else self.rule.weak_fixes
        if len(person["run"]) >= needed and row["time"] - person["run"][0][0] >= self.rule.dwell:
            person["open"] = person["run"][0][0]
            return "outside"
        return "uncertain"

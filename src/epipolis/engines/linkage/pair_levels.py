"""The loop over pairs, compiled: levels of two rows of forms. Every step is the same with the two sides swapped."""

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.linkage.forms import (
    BARE,
    CONSONANTS,
    DAY,
    EMAILS,
    EUROPEAN,
    FAMILY,
    FREQUENT,
    HOUSE,
    KEY,
    KINDS,
    LENGTHS,
    LETTERS,
    MANDARIN,
    MONTH,
    NUMBERS,
    PHONES,
    PLACE,
    SEX,
    SIZE,
    STREET,
    TOKENS,
    YEAR,
)
from epipolis.engines.linkage.levels import (
    CLOSE_BIRTH,
    COMMON,
    DIFFERENT,
    MISSING,
    NEAR,
    NEAR_BIRTH,
    NEAR_POINT,
    PART,
    PART_BIRTH,
    SAME,
    SAME_BIRTH,
    SAME_POINT,
    SIMILAR,
    SPELLING,
)

Values = NDArray[np.int64]
Letters = NDArray[np.uint8]


@compiled()
def typing_errors(left: Letters, right: Letters, most: int) -> int:
    """Count inserted, left out, changed and exchanged neighbouring letters (optimal string alignment), up to `most` + 1."""
    m, n = len(left), len(right)
    if abs(m - n) > most:
        return most + 1
    costs = np.zeros((3, LETTERS + 1), np.int64)
    for j in range(n + 1):
        costs[0, j] = j
    for i in range(1, m + 1):
        now, before, earlier = i % 3, (i - 1) % 3, (i - 2) % 3
        costs[now, 0] = i
        least = i
        for j in range(1, n + 1):
            cost = costs[before, j - 1] + (left[i - 1] != right[j - 1])
            cost = min(cost, costs[before, j] + 1, costs[now, j - 1] + 1)
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                cost = min(cost, costs[earlier, j - 2] + 1)
            costs[now, j] = cost
            least = min(least, cost)
        if least > most:
            return most + 1
    return min(costs[m % 3, n], most + 1)


@compiled()
def _shared_tokens(left: Values, right: Values) -> tuple[int, int]:
    """Give how many words two names share, and how many the one with fewer has."""
    ours, theirs, shared = 0, 0, 0
    for i in range(TOKENS):
        ours += left[i] != 0
        theirs += right[i] != 0
        for j in range(TOKENS):
            if left[i] != 0 and left[i] == right[j]:
                shared += 1
                break
    return min(shared, ours, theirs), min(ours, theirs)


@compiled()
def _is_other_spelling(left: Values, right: Values) -> bool:
    if left[EUROPEAN] == right[EUROPEAN] and left[EUROPEAN] != 0:
        return True
    if left[MANDARIN] == right[MANDARIN] and left[MANDARIN] != 0:
        return True
    return (left[BARE] != 0 or right[BARE] != 0) and left[CONSONANTS] == right[CONSONANTS] != 0


@compiled()
def _begins_with(left: Letters, m: int, right: Letters, n: int) -> bool:
    """Tell whether the longer name begins with the shorter, but for one typing error."""
    shortest = min(m, n)
    return shortest >= 5 and abs(m - n) >= 3 and typing_errors(left[:shortest], right[:shortest], 1) <= 1


@compiled()
def _name_level(left: Values, left_letters: Letters, right: Values, right_letters: Letters) -> int:
    m, n = left[SIZE], right[SIZE]
    if m == 0 or n == 0:
        return MISSING
    shortest = min(m, n)
    errors = typing_errors(left_letters[:m], right_letters[:n], 2)
    if errors == 0:
        return COMMON if left[FREQUENT] != 0 or right[FREQUENT] != 0 else SAME
    if _is_other_spelling(left, right):
        return SPELLING
    begin_alike = left_letters[0] == right_letters[0]
    if (errors == 1 and (shortest >= 5 or (shortest >= 3 and begin_alike))) or (errors == 2 and shortest >= 7):
        return NEAR
    shared, fewest = _shared_tokens(left, right)
    if (shared == fewest and shared > 0) or (shortest == 1 and begin_alike) or _begins_with(left_letters, m, right_letters, n):
        return PART
    if shared > 0 or errors == 1 or (errors == 2 and shortest >= 5) or (left[KEY] == right[KEY] and begin_alike):
        return SIMILAR
    return DIFFERENT


@compiled()
def _digits_apart(left: int, right: int) -> int:
    """Give 1 if two numbers differ by one digit or two exchanged neighbours, 0 if not at all, else 2."""
    if left == right:
        return 0
    changed, first, last, ours, theirs, place = 0, 0, 0, 0, 0, 0
    while left > 0 or right > 0:
        a, b = left % 10, right % 10
        if a != b:
            changed += 1
            if changed == 1:
                first, ours, theirs = place, a, b
            elif changed == 2:
                last = place
                if last != first + 1 or a != theirs or b != ours:
                    return 2
            else:
                return 2
        left, right, place = left // 10, right // 10, place + 1
    return 1


@compiled()
def _birth_level(left: Values, right: Values) -> int:
    same, both, whole = 0, 0, True
    for part in (YEAR, MONTH, DAY):
        whole = whole and left[part] != 0 and right[part] != 0
        if left[part] != 0 and right[part] != 0:
            both += 1
            same += left[part] == right[part]
    years_apart = abs(left[YEAR] - right[YEAR])
    has_years = left[YEAR] != 0 and right[YEAR] != 0
    if both == 0 or (not has_years and both == same and both < 2):
        return MISSING
    if same == 3:
        return SAME_BIRTH
    if same == both:
        return PART_BIRTH
    if whole:
        if years_apart == 0 and left[MONTH] == right[DAY] and left[DAY] == right[MONTH]:
            return NEAR_BIRTH
        if same == 2:
            errors = _digits_apart(left[YEAR], right[YEAR]) + _digits_apart(left[MONTH], right[MONTH])
            if errors + _digits_apart(left[DAY], right[DAY]) == 1:
                return NEAR_BIRTH
        return DIFFERENT
    return CLOSE_BIRTH if has_years and years_apart <= 1 and both == 1 else DIFFERENT


@compiled()
def _phone_level(left: Values, right: Values) -> int:
    level = MISSING
    for i in range(PHONES, PHONES + 3):
        for j in range(PHONES, PHONES + 3):
            if left[i] == 0 or right[j] == 0:
                continue
            apart = _digits_apart(left[i] - 1, right[j] - 1)
            level = max(level, SAME_POINT if apart == 0 else NEAR_POINT if apart == 1 else DIFFERENT)
    return level


@compiled()
def _email_level(left: Values, right: Values) -> int:
    level = MISSING
    for i in range(EMAILS, EMAILS + 2):
        for j in range(EMAILS, EMAILS + 2):
            if left[i] != 0 and right[j] != 0:
                level = max(level, int(left[i] == right[j]))
    return level


@compiled()
def _flags(bits: int) -> int:
    count = 0
    while bits != 0:
        bits &= bits - 1
        count += 1
    return count


@compiled()
def _address_level(left: Values, right: Values) -> int:
    ours = _flags(left[STREET]) + _flags(left[STREET + 1])
    theirs = _flags(right[STREET]) + _flags(right[STREET + 1])
    if ours == 0 or theirs == 0:
        return MISSING
    shared = _flags(left[STREET] & right[STREET]) + _flags(left[STREET + 1] & right[STREET + 1])
    alike = 2 * shared / (ours + theirs)
    if alike >= 0.75 and left[HOUSE] == right[HOUSE]:
        return SAME_POINT
    return NEAR_POINT if alike >= 0.75 else DIFFERENT


@compiled()
def _identifier_level(left: Values, left_letters: Letters, right: Values, right_letters: Letters) -> int:
    """A kind agrees if any of its values do. One that agrees beside one that contradicts is only near."""
    same, other, near = False, False, False
    for kind in range(NUMBERS):
        best = 3
        for i in range(NUMBERS):
            for j in range(NUMBERS):
                wanted = left[KINDS + kind]
                if wanted == 0 or left[KINDS + i] != wanted or right[KINDS + j] != wanted:
                    continue
                ours = left_letters[(2 + i) * LETTERS : (2 + i) * LETTERS + left[LENGTHS + i]]
                theirs = right_letters[(2 + j) * LETTERS : (2 + j) * LETTERS + right[LENGTHS + j]]
                best = min(best, typing_errors(ours, theirs, 1))
        same, near, other = same or best == 0, near or best == 1, other or best == 2
    if same:
        return NEAR_POINT if other or near else SAME_POINT
    return NEAR_POINT if near else DIFFERENT if other else MISSING


@compiled()
def fill_levels(
    left: NDArray[np.int64],
    left_letters: NDArray[np.uint8],
    right: NDArray[np.int64],
    right_letters: NDArray[np.uint8],
    first: Values,
    second: Values,
    levels: NDArray[np.int8],
) -> None:
    """Write the levels of rows `first` of the left and `second` of the right into `levels` [pairs, fields]."""
    for pair in range(len(first)):
        a, b, out = left[first[pair]], right[second[pair]], levels[pair]
        x, y = left_letters[first[pair]], right_letters[second[pair]]
        _fill_names(a, x, b, y, out)
        out[3] = _birth_level(a, b)
        out[4] = MISSING if a[SEX] == 0 or b[SEX] == 0 else int(a[SEX] == b[SEX])
        out[5] = _phone_level(a, b)
        out[6] = _email_level(a, b)
        out[7] = _address_level(a, b)
        out[8] = MISSING if a[PLACE] == 0 or b[PLACE] == 0 else int(a[PLACE] == b[PLACE])
        out[9] = _identifier_level(a, x, b, y)


@compiled()
def _fill_names(a: Values, x: Letters, b: Values, y: Letters, out: NDArray[np.int8]) -> None:
    """Given and family name as written, or exchanged where only that makes both agree."""
    given = _name_level(a[:FAMILY], x[:LETTERS], b[:FAMILY], y[:LETTERS])
    family = _name_level(a[FAMILY:], x[LETTERS:], b[FAMILY:], y[LETTERS:])
    out[0], out[1], out[2] = given, family, MISSING if given == MISSING or family == MISSING else 1
    if given < NEAR and family < NEAR:
        one = _name_level(a[:FAMILY], x[:LETTERS], b[FAMILY:], y[LETTERS:])
        other = _name_level(a[FAMILY:], x[LETTERS:], b[:FAMILY], y[:LETTERS])
        if min(one, other) >= PART and max(one, other) >= NEAR:
            out[0], out[1], out[2] = min(one, other), max(one, other), 0

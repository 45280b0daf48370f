"""The fence: telephone positions against each person's home, precise about its own error.

    rule = FenceRule()
    fences = Fences.of(lon=[121.5654], lat=[25.0330], radius=100.0)
    states = States.new(len(fences))
    good, problems = check_positions(positions, now)
    transitions = follow(states, good, fences, rule)           # states change in place; they are the checkpoint
    silences = notice_silence(states, rule, now, fences=fences)
    saved = states.to_table();  states = States.from_table(saved)

Everything is an Arrow table in degrees, metres and epoch seconds (UTC). Nothing needs files, clock or network; the same
positions give the same transitions, however they are cut into tables and from wherever they are sent again.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.fence.areas import Areas, membership
    from epipolis.engines.fence.fences import Fences, metres_between
    from epipolis.engines.fence.following import counts_in, excuse, follow, is_open, never_heard, notice_silence
    from epipolis.engines.fence.homes import Home, find_home, stay_points
    from epipolis.engines.fence.judging import Judgement, StayJudgement, judge, judge_stays
    from epipolis.engines.fence.phones import Habits, draw_excursions, excursions_of, phone_positions
    from epipolis.engines.fence.positions import Problem, check_positions
    from epipolis.engines.fence.rules import SOURCES, FenceRule
    from epipolis.engines.fence.states import REASONS, STATES, States

# Loading the compiled loops takes a second: only who follows somebody waits for it.
_HOMES = {
    "areas": ("Areas", "membership"),
    "fences": ("Fences", "metres_between"),
    "following": ("counts_in", "excuse", "follow", "is_open", "never_heard", "notice_silence"),
    "homes": ("Home", "find_home", "stay_points"),
    "judging": ("Judgement", "StayJudgement", "judge", "judge_stays"),
    "phones": ("Habits", "draw_excursions", "excursions_of", "phone_positions"),
    "positions": ("Problem", "check_positions"),
    "rules": ("SOURCES", "FenceRule"),
    "states": ("REASONS", "STATES", "States"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "REASONS",
    "SOURCES",
    "STATES",
    "Areas",
    "FenceRule",
    "Fences",
    "Habits",
    "Home",
    "Judgement",
    "Problem",
    "States",
    "StayJudgement",
    "check_positions",
    "counts_in",
    "draw_excursions",
    "excursions_of",
    "excuse",
    "find_home",
    "follow",
    "is_open",
    "judge",
    "judge_stays",
    "membership",
    "metres_between",
    "never_heard",
    "notice_silence",
    "phone_positions",
    "stay_points",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"the fence has no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found

"""Every write of the signals: looks, what they raise and revise, and what people make of it."""

from .judging import judge_signal, undo_judgement
from .looks import TASK, compute_looks, forget_signals, look_back, look_nightly, start_look, start_looks

__all__ = [
    "TASK",
    "compute_looks",
    "forget_signals",
    "judge_signal",
    "look_back",
    "look_nightly",
    "start_look",
    "start_looks",
    "undo_judgement",
]

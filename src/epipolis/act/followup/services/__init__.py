"""Every write of follow-up."""

from .assigning import accept_handover, assign, assign_waiting, hand_over, save_member, save_team
from .checks import ANSWERS, Answer, FollowUpError, Noted, record_attempt, record_check
from .dates import UNDOABLE, Dates, set_end, set_quarantine, undo
from .ending import convert, end_follow_up, forget_follow_ups, reopen, unconvert
from .imports import import_contacts
from .interviewing import (
    Been,
    InterviewError,
    Named,
    StaleAnswersError,
    Told,
    finish_interview,
    set_named,
    start_interview,
)
from .keeping import close_days, join, part
from .links import close_links, find_link, open_link, self_report
from .listeners import (
    on_case_confirmed,
    on_case_revised,
    on_contacts_found,
    on_people_merged,
    on_people_unmerged,
    on_result_filed,
)
from .opening import NewExposure, add_exposure, add_exposures
from .rows import FIELDS

__all__ = [
    "ANSWERS",
    "FIELDS",
    "UNDOABLE",
    "Answer",
    "Been",
    "Dates",
    "FollowUpError",
    "InterviewError",
    "Named",
    "NewExposure",
    "Noted",
    "StaleAnswersError",
    "Told",
    "accept_handover",
    "add_exposure",
    "add_exposures",
    "assign",
    "assign_waiting",
    "close_days",
    "close_links",
    "convert",
    "end_follow_up",
    "find_link",
    "finish_interview",
    "forget_follow_ups",
    "hand_over",
    "import_contacts",
    "join",
    "on_case_confirmed",
    "on_case_revised",
    "on_contacts_found",
    "on_people_merged",
    "on_people_unmerged",
    "on_result_filed",
    "open_link",
    "part",
    "record_attempt",
    "record_check",
    "reopen",
    "save_member",
    "save_team",
    "self_report",
    "set_end",
    "set_named",
    "set_quarantine",
    "start_interview",
    "unconvert",
    "undo",
]

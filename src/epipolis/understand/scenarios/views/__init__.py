from .compare import areas_by_day, compare, compare_table
from .edit import edit, new
from .lists import first, scenario_list, upload
from .one import archive, as_file, cancel, copy, progress, restore, run, scenario, share

__all__ = [
    "archive",
    "areas_by_day",
    "as_file",
    "cancel",
    "compare",
    "compare_table",
    "copy",
    "edit",
    "first",
    "new",
    "progress",
    "restore",
    "run",
    "scenario",
    "scenario_list",
    "share",
    "upload",
]

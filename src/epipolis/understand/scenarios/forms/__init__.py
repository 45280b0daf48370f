"""What people say on the pages of scenarios."""

from .editor import Editor, ListFilter, UploadForm
from .measures import MeasureForm
from .scenarios import ScenarioForm

__all__ = ["Editor", "ListFilter", "MeasureForm", "ScenarioForm", "UploadForm"]

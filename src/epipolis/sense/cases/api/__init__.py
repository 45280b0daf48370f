"""The line list over the API."""

from .cases import router
from .classifying import router as classifying

router.add_router("", classifying)

__all__ = ["router"]

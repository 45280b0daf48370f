"""Laboratories and test devices over the API."""

from .devices import router as devices
from .messages import router

router.add_router("", devices)

__all__ = ["router"]

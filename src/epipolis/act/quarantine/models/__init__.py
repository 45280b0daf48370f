"""The tables of orders, and of the fence around those who are watched."""

from .orders import (
    OPEN,
    Appeal,
    Basis,
    Kind,
    Need,
    Order,
    OrderChange,
    OrderLink,
    PlaceKind,
    SelfReport,
    State,
)

__all__ = [
    "OPEN",
    "Appeal",
    "Basis",
    "Kind",
    "Need",
    "Order",
    "OrderChange",
    "OrderLink",
    "PlaceKind",
    "SelfReport",
    "State",
]

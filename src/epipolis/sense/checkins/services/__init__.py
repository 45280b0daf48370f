"""What may be done with venues and visits."""

from .keeping import forget_old_routes, forget_old_visits, keep_days, keep_route_days
from .routes import Stop, Told, forget_stop, tell_route, tell_routes
from .visits import CheckIn, check_in, check_out, end_due_visits, link_visitor, record_visits, unlink_visitor

__all__ = [
    "CheckIn",
    "Stop",
    "Told",
    "check_in",
    "check_out",
    "end_due_visits",
    "forget_old_routes",
    "forget_old_visits",
    "forget_stop",
    "keep_days",
    "keep_route_days",
    "link_visitor",
    "record_visits",
    "tell_route",
    "tell_routes",
    "unlink_visitor",
]

"""What may be done with venues and visits."""

from .codes import VenueCode, link_of, read_code, spell, unspell, write_code
from .files import VISIT_FIELDS, import_visits, mapping_names
from .keeping import forget_old_links, forget_old_routes, forget_old_visits, keep_days, keep_route_days
from .loads import load_visits
from .phones import TOO_MANY, Door, check_in_by_phone, open_door
from .posters import SIZES, draw_poster
from .routes import Stop, Told, forget_stop, tell_route, tell_routes
from .venue_files import VENUE_FIELDS, import_venues
from .venues import close_venue, code_of, register_venue, renew_code, reopen_venue
from .visits import CheckIn, check_in, check_out, end_due_visits, link_visitor, record_visits, unlink_visitor

VISIT_MAPPINGS = mapping_names()

__all__ = [
    "SIZES",
    "TOO_MANY",
    "VENUE_FIELDS",
    "VISIT_FIELDS",
    "VISIT_MAPPINGS",
    "CheckIn",
    "Door",
    "Stop",
    "Told",
    "VenueCode",
    "check_in",
    "check_in_by_phone",
    "check_out",
    "close_venue",
    "code_of",
    "draw_poster",
    "end_due_visits",
    "forget_old_links",
    "forget_old_routes",
    "forget_old_visits",
    "forget_stop",
    "import_venues",
    "import_visits",
    "keep_days",
    "keep_route_days",
    "link_of",
    "link_visitor",
    "load_visits",
    "open_door",
    "read_code",
    "record_visits",
    "register_venue",
    "renew_code",
    "reopen_venue",
    "spell",
    "tell_route",
    "tell_routes",
    "unlink_visitor",
    "unspell",
    "write_code",
]

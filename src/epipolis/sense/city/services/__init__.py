from .load import load_city, load_rule_file
from .places import PLACE_FIELDS, add_place, import_places, load_places
from .reports import CityError

__all__ = ["PLACE_FIELDS", "CityError", "add_place", "import_places", "load_city", "load_places", "load_rule_file"]

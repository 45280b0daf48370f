from .files import case, draft, export_case, export_selection, files, import_file
from .partners import add_partner, change, close, compare, partner, partners
from .transfers import STEPS, open_document, transfer, transfers

__all__ = [
    "STEPS",
    "add_partner",
    "case",
    "change",
    "close",
    "compare",
    "draft",
    "export_case",
    "export_selection",
    "files",
    "import_file",
    "open_document",
    "partner",
    "partners",
    "transfer",
    "transfers",
]

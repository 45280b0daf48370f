"""Disclosure: what may be published of counts about people without telling on anybody.

    protect_row(counts, minimum=5)          -> hidden: which cells of one row must not be shown
    protect_table(counts, minimum=5)        -> hidden: the same for a table whose row and column totals are published
    round_total(count, base=5)              -> a total that small differences between two releases do not show in

A cell is hidden when it is small but not zero, and further cells are hidden until no hidden one can be found by
subtracting the shown ones from a published total.
"""

from epipolis.engines.disclosure.suppression import protect_row, protect_table, round_total

__all__ = ["protect_row", "protect_table", "round_total"]

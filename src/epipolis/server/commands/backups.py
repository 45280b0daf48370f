"""`epipolis backup` and `epipolis restore`."""


def backup() -> None:
    """Being built."""


def restore() -> None:
    """Being built."""

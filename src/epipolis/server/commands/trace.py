"""`epipolis trace`."""


def trace() -> None:
    """Being built."""

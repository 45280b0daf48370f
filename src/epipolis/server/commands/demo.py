"""`epipolis demo`."""


def demo() -> None:
    """Being built."""

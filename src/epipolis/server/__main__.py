"""`python -m epipolis.server` is `epipolis`, for processes that start each other."""

from epipolis.server.cli import main

main()

"""The city: its districts, neighbourhoods and places, and how many people live where."""

from epipolis.core.modules import Module

MODULE = Module(title="City", icon="map")

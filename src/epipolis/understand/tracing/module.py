"""Tracing: turn a confirmed case and the city's visits into a list of people to call."""

from epipolis.core.modules import Module

MODULE = Module(title="Tracing", icon="affiliate")

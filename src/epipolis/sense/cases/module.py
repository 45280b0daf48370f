"""Cases: the line list of an epidemic, with every belief about a case kept as it was."""

from epipolis.core.modules import Module

MODULE = Module(title="Cases", icon="virus")

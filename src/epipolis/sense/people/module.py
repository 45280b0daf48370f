"""People: who somebody is, kept in one place, encrypted, and never seen without a trace."""

from epipolis.core.modules import Module

MODULE = Module(title="People", icon="users")

"""Situation: the live picture of the epidemic, as it is known now or was known at any moment before."""

from epipolis.core.modules import Module

MODULE = Module(title="Situation", icon="activity")

"""Check-ins: people scan a venue's code so that a later case can be traced."""

from epipolis.core.modules import Module

MODULE = Module(title="Check-ins", icon="qrcode")

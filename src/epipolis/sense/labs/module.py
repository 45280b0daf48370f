"""Laboratories: every message that they send is kept, understood once, and ends in exactly one state."""

from django.utils.translation import gettext_noop

from epipolis.core.modules import Module

MODULE = Module(title=gettext_noop("Laboratories"), icon="microscope")

"""Transfers: cases go to other health offices and come from them, and of each it is known who owns it now."""

from django.utils.translation import gettext_noop

from epipolis.core.modules import Module

MODULE = Module(title=gettext_noop("Other offices"), icon="send")

"""Notices: what the city has to tell somebody reaches them, in their language, and everybody sees that it did."""

from django.utils.translation import gettext_noop

from epipolis.core.modules import Module

MODULE = Module(title=gettext_noop("Messages"), icon="message")

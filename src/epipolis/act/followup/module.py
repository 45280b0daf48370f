"""Follow-up: watch everybody who met a case until nothing can come of it any more, and know of each why and how long."""

from django.utils.translation import gettext_noop

from epipolis.core.modules import Module

MODULE = Module(title=gettext_noop("Follow-up"), icon="phone-call")

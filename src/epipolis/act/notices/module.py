"""Notices: what the city has to tell somebody reaches them, in their language, and everybody sees that it did."""

from datetime import timedelta

from django.utils.translation import gettext_noop

from epipolis.core.modules import Job, Module

from . import services
from .events import NoticeQueued

MODULE = Module(
    title=gettext_noop("Messages"),
    icon="message",
    jobs=(
        Job(services.send_waiting, every=timedelta(seconds=5)),
        Job(services.match_reports, every=timedelta(seconds=30)),
        Job(services.play_provider, every=timedelta(seconds=5)),
    ),
    listens={NoticeQueued: (services.on_notice_queued,)},
)

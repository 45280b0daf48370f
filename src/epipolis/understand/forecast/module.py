"""Forecast: how fast the epidemic grows, what comes in the next weeks, and how good such forecasts were before."""

from django.utils.translation import gettext_noop

from epipolis.core.modules import Module

MODULE = Module(title=gettext_noop("Forecast"), icon="chart-line")

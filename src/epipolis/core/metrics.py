"""Metrics for Prometheus: what the platform does and how well, without a word about anybody."""

import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.models import AuditEntry, TaskRun
from epipolis.core.problems import ProblemError, problem_response

REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "epipolis_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_JOBS = Gauge("epipolis_jobs", "Background jobs by state", ["state"], registry=REGISTRY)
_TASKS = Gauge("epipolis_tasks", "Tasks that people started, by state", ["state"], registry=REGISTRY)
_OLDEST = Gauge("epipolis_oldest_waiting_job_seconds", "Age of the oldest job that waits", registry=REGISTRY)
_UNSEALED = Gauge("epipolis_audit_unsealed", "Audit entries not yet chained", registry=REGISTRY)
_DATABASE = Gauge("epipolis_database_bytes", "Size of the database", registry=REGISTRY)
_CLOCK = Gauge("epipolis_clock_speed", "How fast the platform's clock runs", registry=REGISTRY)


def exposition() -> bytes:
    """Every metric in Prometheus's text format, read now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1")
        _fill(_JOBS, dict(cursor.fetchall()))
        cursor.execute("SELECT pg_database_size(current_database())")
        _DATABASE.set(cursor.fetchone()[0])
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM now() - min(e.at)), 0) FROM procrastinate_jobs j "
            "JOIN procrastinate_events e ON e.job_id = j.id WHERE j.status = 'todo' AND e.type = 'deferred'"
        )
        _OLDEST.set(cursor.fetchone()[0])
    counts = dict.fromkeys(TaskRun.State.values, 0)
    for state in TaskRun.objects.values_list("state", flat=True):
        counts[state] += 1
    _fill(_TASKS, counts)
    _UNSEALED.set(AuditEntry.objects.filter(position=None).count())
    _CLOCK.set(clock.speed())
    return generate_latest(REGISTRY)


def metrics(request: HttpRequest) -> HttpResponse:
    """The page that Prometheus reads, with a device token that has the scope `core.metrics`, or as an operator."""
    try:
        Needs("core.metrics")(request)
    except ProblemError as problem:
        return problem_response(problem.status, problem.code, problem.detail)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


class MeasureRequests:
    """Middleware that times every answer by its route, never by its address, which may name somebody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self._get_response(request)
        route = request.resolver_match.route if request.resolver_match else "unknown"
        method = request.method if request.method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD") else "other"
        REQUESTS.labels(method, route, response.status_code).observe(time.perf_counter() - began)
        return response


def _fill(gauge: Gauge, counts: dict[str, int]) -> None:
    gauge.clear()
    for state, count in counts.items():
        gauge.labels(state).set(count)

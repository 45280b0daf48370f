"""The case that an address names."""

from uuid import UUID

from django.http import Http404

from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case


def found_case(case_id: UUID) -> Case:
    """The case, or a page that says that there is none."""
    try:
        return queries.case(case_id)
    except Case.DoesNotExist as error:
        raise Http404 from error

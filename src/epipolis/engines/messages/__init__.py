"""Messages of laboratories: HL7 v2, FHIR R4 and tables into reports, and reports and cases back out.

    for report in read_hl7(raw, zone):               # or read_fhir, read_results_table
        report.patient, report.specimen, report.findings
    acknowledge(raw, "AA", at=now)                   # what the sender waits for
    for frame in Frames().feed(received): ...        # HL7 over a socket (MLLP)

Everything is a value: no file, clock or network. Bytes that are no message raise MessageError, which names the place.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.messages.acknowledgements import acknowledge
    from epipolis.engines.messages.codes import Tests, read_tests, usual_tests
    from epipolis.engines.messages.frames import Frame, Frames, frame
    from epipolis.engines.messages.hl7_reading import peek_hl7, read_hl7, read_patient_hl7
    from epipolis.engines.messages.reports import (
        KINDS,
        RESULTS,
        STATUSES,
        Finding,
        Header,
        LabReport,
        Mark,
        MessageError,
        NoResultError,
        Patient,
        Specimen,
        result_key,
    )

_HOMES = {
    "acknowledgements": ("acknowledge",),
    "codes": ("Tests", "read_tests", "usual_tests"),
    "frames": ("Frame", "Frames", "frame"),
    "hl7_reading": ("peek_hl7", "read_hl7", "read_patient_hl7"),
    "reports": (
        *("KINDS", "RESULTS", "STATUSES", "Finding", "Header", "LabReport", "Mark", "MessageError", "NoResultError"),
        *("Patient", "Specimen", "result_key"),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "KINDS",
    "RESULTS",
    "STATUSES",
    "Finding",
    "Frame",
    "Frames",
    "Header",
    "LabReport",
    "Mark",
    "MessageError",
    "NoResultError",
    "Patient",
    "Specimen",
    "Tests",
    "acknowledge",
    "frame",
    "peek_hl7",
    "read_hl7",
    "read_patient_hl7",
    "read_tests",
    "result_key",
    "usual_tests",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"messages have no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found

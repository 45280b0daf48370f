"""Messages of laboratories: HL7 v2, FHIR R4 and tables into reports, and reports and cases back out.

    for report in read_hl7(raw, zone):               # or read_fhir, read_results_table
        report.patient, report.specimen, report.findings
    acknowledge(raw, "AA", at=now)                   # what the sender waits for
    for frame in Frames().feed(received): ...        # HL7 over a socket (MLLP)
    write_fhir(report), write_hl7(report)
    compare_fhir(write_fhir(reports), expected)      # field by field
    lost(case, read_case_fhir(json.dumps(write_case_fhir(case, at=now)).encode(), zone))

Everything is a value: no file, clock or network. Bytes that are no message raise MessageError, which names the place.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epipolis.engines.messages.acknowledgements import acknowledge
    from epipolis.engines.messages.bundle_differences import Comparison, Difference, compare_fhir, differences
    from epipolis.engines.messages.case_documents import CaseDocument, DocumentContact, DocumentTest, lost
    from epipolis.engines.messages.case_fhir import read_case_fhir, write_case_fhir
    from epipolis.engines.messages.case_hl7 import read_case_hl7, write_case_hl7
    from epipolis.engines.messages.case_tables import CASE_COLUMNS, read_cases_csv, write_cases_csv
    from epipolis.engines.messages.codes import Tests, read_tests, usual_tests
    from epipolis.engines.messages.fhir_reading import peek_fhir, read_fhir, read_patient_fhir
    from epipolis.engines.messages.fhir_writing import write_fhir
    from epipolis.engines.messages.frames import Frame, Frames, frame
    from epipolis.engines.messages.hl7_reading import peek_hl7, read_hl7, read_patient_hl7
    from epipolis.engines.messages.hl7_writing import write_hl7
    from epipolis.engines.messages.loss_tables import loss_rows, loss_table
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
    from epipolis.engines.messages.result_tables import RESULT_COLUMNS, Column, read_results_table
    from epipolis.engines.messages.segments import split_batch

# Who reads a message does not wait for what writes cases.
_HOMES = {
    "acknowledgements": ("acknowledge",),
    "case_documents": ("CaseDocument", "DocumentContact", "DocumentTest", "lost"),
    "case_fhir": ("read_case_fhir", "write_case_fhir"),
    "case_hl7": ("read_case_hl7", "write_case_hl7"),
    "case_tables": ("CASE_COLUMNS", "read_cases_csv", "write_cases_csv"),
    "codes": ("Tests", "read_tests", "usual_tests"),
    "bundle_differences": ("Comparison", "Difference", "compare_fhir", "differences"),
    "fhir_reading": ("peek_fhir", "read_fhir", "read_patient_fhir"),
    "fhir_writing": ("write_fhir",),
    "frames": ("Frame", "Frames", "frame"),
    "hl7_reading": ("peek_hl7", "read_hl7", "read_patient_hl7"),
    "hl7_writing": ("write_hl7",),
    "loss_tables": ("loss_rows", "loss_table"),
    "reports": (
        *("KINDS", "RESULTS", "STATUSES", "Finding", "Header", "LabReport", "Mark", "MessageError"),
        *("NoResultError", "Patient", "Specimen", "result_key"),
    ),
    "result_tables": ("RESULT_COLUMNS", "Column", "read_results_table"),
    "segments": ("split_batch",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CASE_COLUMNS",
    "KINDS",
    "RESULTS",
    "RESULT_COLUMNS",
    "STATUSES",
    "CaseDocument",
    "Column",
    "Comparison",
    "Difference",
    "DocumentContact",
    "DocumentTest",
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
    "compare_fhir",
    "differences",
    "frame",
    "loss_rows",
    "loss_table",
    "lost",
    "peek_fhir",
    "peek_hl7",
    "read_case_fhir",
    "read_case_hl7",
    "read_cases_csv",
    "read_fhir",
    "read_hl7",
    "read_patient_fhir",
    "read_patient_hl7",
    "read_results_table",
    "read_tests",
    "result_key",
    "split_batch",
    "usual_tests",
    "write_case_fhir",
    "write_case_hl7",
    "write_cases_csv",
    "write_fhir",
    "write_hl7",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"messages have no {name}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found

"""Messages of laboratories read and written on one core, beside the libraries that read the same formats.

    .venv/bin/python benchmarks/messages.py [--quick] [--runs 5]

Ours reads a message whole: character set, patient, results by the table of tests, specimen, what is doubtful. The peers
do less: python-hl7 parses an HL7 message into its parts, fhir.resources validates a FHIR bundle. Processor seconds, taken
in turn in one process. The sample messages are those of the reference data where it is there.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import hl7
from _report import Report
from fhir.resources.R4B.bundle import Bundle

from epipolis.engines.messages import Frames, acknowledge, frame, read_fhir, read_hl7, write_fhir, write_hl7

DATA = Path(__file__).parents[2] / "shared" / "data"
ONE = "\r".join(
    [
        "MSH|^~\\&|LIS|City Lab^1^CLIA|EPIPOLIS|HEALTH|20260105123000+0800||ORU^R01^ORU_R01|M1|P|2.5.1||||||UNICODE UTF-8",
        "PID|1||A123456789^^^TW^NI||王^小明^^^^^L||19800314|M|||1 Main St^^Taipei^^100^TWN^H||^PRN^PH^^886^2^5550100",
        "OBR|1|P1|F1|94500-6^SARS-CoV-2 RNA^LN|||20260104090000+0800|||||||||1^Doctor^Anna||||||20260105120000+0800|||F",
        "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260373001^Detected^SCT||||||F|||20260104090000+0800|||Kit X^Kit X^99ELR",
        "SPM|1|S1^S1||258500001^Nasopharyngeal swab^SCT|||||||||||||20260104090000+0800|20260104180000+0800",
    ]
)


def rates(call: Callable[[], object], times: int, runs: int) -> list[float]:
    """How often a second of the processor does it, in each run."""
    call()
    found = []
    for _ in range(runs):
        began = time.process_time()
        for _ in range(times):
            call()
        found.append(times / (time.process_time() - began))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, three runs")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    scale, runs = (0.1, 3) if options.quick else (1.0, options.runs)
    report = Report("messages_quick" if options.quick else "messages")
    texts = {"one result": ONE.encode()}
    for file in sorted((DATA / "hl7v2").glob("*ORU*.hl7")) + sorted((DATA / "hl7v2").glob("LRI*.hl7")):
        texts[file.stem] = file.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    for name, raw in texts.items():
        times = max(20, int(scale * 4_000_000 / len(raw)))
        peer = rates(lambda raw=raw: hl7.parse(raw.decode()), times // 8, runs)
        ours = rates(lambda raw=raw: read_hl7(raw, UTC), times, runs)
        report.row(f"read HL7, {name}, {len(raw):,} bytes", ours, peer, unit="messages/s", peer_name="python-hl7, parts only")
    (one,) = read_hl7(ONE.encode(), UTC)
    report.row("write HL7, one result", rates(lambda: write_hl7(one), int(2_000 * scale), runs), unit="messages/s")
    at = datetime(2026, 1, 6, tzinfo=UTC)
    answer = rates(lambda: acknowledge(ONE.encode(), "AA", at=at), int(4_000 * scale), runs)
    report.row("acknowledge, one result", answer, unit="messages/s")
    stream = frame(ONE.encode()) * 1_000
    frames = [rate * 1_000 for rate in rates(lambda: Frames().feed(stream), max(2, int(20 * scale)), runs)]
    report.row("frames out of one stream", frames, unit="frames/s")
    bundle = write_fhir(one)
    report.row("write FHIR and check it, one result", rates(lambda: write_fhir(one), int(500 * scale), runs), unit="messages/s")
    bodies = {"one result": json.dumps(bundle).encode()}
    bodies |= {f"Synthea {file.stem}": file.read_bytes() for file in sorted((DATA / "fhir_synthea_r4").glob("*.json"))[:2]}
    for name, body in bodies.items():
        times = max(5, int(scale * 4_000_000 / len(body)))
        peer = rates(lambda body=body: Bundle.model_validate(json.loads(body)), max(5, times // 8), runs)
        ours = rates(lambda body=body: read_fhir(body, UTC), times, runs)
        report.row(
            f"read FHIR, {name}, {len(body):,} bytes", ours, peer, unit="messages/s", peer_name="fhir.resources, checks only"
        )
    report.save()


if __name__ == "__main__":
    main()

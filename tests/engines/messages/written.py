"""Messages as laboratories write them, for the tests of this folder."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from epipolis.engines.messages import MessageError

ZONE = ZoneInfo("Asia/Taipei")
MSH = (
    "MSH|^~\\&|LIS^2.16.840.1.1^ISO|City Lab^11D2030855^CLIA|EPIPOLIS|HEALTH|20260105123000+0800||ORU^R01^ORU_R01|M0001|P|2.5.1"
    "|||AL|NE||UNICODE UTF-8"
)
PID = (
    "PID|1||A123456789^^^TW&2.16.158.1&ISO^NI||王^小明^^^^^L||19800314|M|||1 Main St^^Taipei^^100^TWN^H||"
    "^PRN^PH^^886^2^5550100~^NET^Internet^ming@example.org"
)
OBR = (
    "OBR|1|P1^CLINIC|F1^LIS|94500-6^SARS-CoV-2 RNA^LN|||20260104090000+0800|||||||||1234^Doctor^Anna||||||"
    "20260105120000+0800|||F"
)
OBX = (
    "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260373001^Detected^SCT||||||F|||20260104090000+0800|||Kit X^Kit X^99ELR||"
    "20260105113000+0800"
)
SPM = "SPM|1|S1^S1||258500001^Nasopharyngeal swab^SCT|||||||||||||20260104090000+0800|20260104180000+0800"


def message(*segments: str, head: str = MSH, codec: str = "utf-8") -> bytes:
    """A message of these segments after MSH; of the usual ones if none are given."""
    return "\r".join([head, *(segments or (PID, OBR, OBX, SPM))]).encode(codec, errors="replace")


def outcome(read: Callable[..., Any], *given: Any) -> Any:
    """What a reader makes of this, or the MessageError that it raises."""
    try:
        return read(*given)
    except MessageError as error:
        return error


def obx(**parts: str) -> str:
    """The usual OBX with some of its fields otherwise, by their numbers: obx(f11="C")."""
    fields = OBX.split("|")
    for name, value in parts.items():
        fields += [""] * (int(name[1:]) + 1 - len(fields))
        fields[int(name[1:])] = value
    return "|".join(fields)


def obr(**parts: str) -> str:
    """The same of OBR."""
    fields = OBR.split("|")
    for name, value in parts.items():
        fields += [""] * (int(name[1:]) + 1 - len(fields))
        fields[int(name[1:])] = value
    return "|".join(fields)


def pid(**parts: str) -> str:
    """The same of PID."""
    fields = PID.split("|")
    for name, value in parts.items():
        fields += [""] * (int(name[1:]) + 1 - len(fields))
        fields[int(name[1:])] = value
    return "|".join(fields)

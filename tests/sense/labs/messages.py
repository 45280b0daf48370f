"""Messages of an invented laboratory, with as many parts as a test wants to change."""

from datetime import UTC, datetime

NOW = datetime(2021, 3, 10, 9, 0, tzinfo=UTC)
LAB = "CENTRAL"


def oru(
    number="M1",
    *,
    lab=LAB,
    app="LIS",
    order="F100",
    patient="A123456789^^^TW^NI",
    name="Torres^Ana",
    birth="19800517",
    sex="F",
    phone="0912345678",
    code="94500-6^SARS-CoV-2 RNA^LN",
    answer="260373001^Detected^SCT",
    status="F",
    sampled="202103090800+0000",
    reported="202103100700+0000",
    sent="202103100730+0000",
    processing="P",
    charset="UNICODE UTF-8",
    more=(),
):
    """An HL7 v2.5.1 ORU^R01 with one finding, as text."""
    lines = [
        f"MSH|^~\\&|{app}|{lab}|EPIPOLIS|CITY|{sent}||ORU^R01^ORU_R01|{number}|{processing}|2.5.1||||||{charset}",
        f"PID|1||{patient}||{name}||{birth}|{sex}|||Calle 1^^Taipei^^100||{phone}",
        f"ORC|RE|P{order}|{order}",
        f"OBR|1|P{order}|{order}|{code}|||{sampled}|||||||||||||||{reported}|||{status}",
        f"OBX|1|CWE|{code}||{answer}||||||{status}|||{sampled}",
        *more,
        f"SPM|1|S{order}||258500001^Nasopharyngeal swab^SCT|||||||||||||{sampled}",
    ]
    return "\r".join(lines) + "\r"


NEGATIVE = "260415000^Not detected^SCT"
INCONCLUSIVE = "419984006^Inconclusive^SCT"

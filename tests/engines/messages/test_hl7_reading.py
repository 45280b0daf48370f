from datetime import datetime, timedelta, timezone

import pytest

from epipolis.engines.messages import (
    MessageError,
    NoResultError,
    peek_hl7,
    read_hl7,
    read_patient_hl7,
    result_key,
    split_batch,
    usual_tests,
    write_hl7,
)

from .written import MSH, OBR, OBX, PID, SPM, ZONE, message, obr, obx, pid

TAIPEI = timezone(timedelta(hours=8))


def read_one(*segments, head=MSH, **kwargs):
    (report,) = read_hl7(message(*segments, head=head), ZONE, **kwargs)
    return report


def finding_of(*segments):
    (finding,) = read_one(*segments).findings
    return finding


def test_a_result_says_who_what_and_when():
    report = read_one()
    assert (report.message_id, report.sender, report.laboratory) == ("M0001", "LIS", "City Lab")
    assert (report.order, report.placer_order, report.ordered_by, report.disease) == ("F1", "P1", "Anna Doctor", "COVID-19")
    patient = report.patient
    assert patient.identifiers == (("national_id", "A123456789", "TW"),)
    assert (patient.family, patient.given, patient.birth, patient.sex) == ("王", "小明", (1980, 3, 14), "M")
    assert (patient.phones, patient.emails) == (("+886 2 5550100",), ("ming@example.org",))
    assert (patient.address, patient.city, patient.postcode, patient.country) == ("1 Main St", "Taipei", "100", "TWN")
    assert report.specimen.ref == "S1"
    assert report.specimen.kind == "Nasopharyngeal swab"
    assert report.specimen.received_at == datetime(2026, 1, 4, 18, tzinfo=TAIPEI)
    (finding,) = report.findings
    assert (finding.kind, finding.disease, finding.result, finding.status) == ("pcr", "COVID-19", "positive", "final")
    assert finding.observed_at == datetime(2026, 1, 4, 9, tzinfo=TAIPEI)
    assert finding.device == "Kit X"
    assert report.marks == ()


@pytest.mark.parametrize(
    ("letter", "status"),
    [
        *(("F", "final"), ("V", "final"), ("C", "corrected"), ("A", "corrected"), ("W", "withdrawn"), ("D", "withdrawn")),
        *(("P", "preliminary"), ("R", "preliminary"), ("I", "preliminary"), ("S", "preliminary")),
    ],
)
def test_the_status_of_a_result_is_that_of_obx_11(letter, status):
    assert finding_of(PID, obr(f25="F"), obx(f11=letter)).status == status


@pytest.mark.parametrize(("letter", "status"), [("F", "final"), ("C", "corrected"), ("X", "withdrawn"), ("P", "preliminary")])
def test_a_result_that_says_no_status_has_that_of_its_order(letter, status):
    report = read_one(PID, obr(f25=letter), obx(f11=""))
    assert (report.findings[0].status, report.status, report.marks) == (status, status, ())


def test_a_result_without_any_status_is_preliminary_and_marked():
    report = read_one(PID, obr(f25=""), obx(f11=""))
    assert report.findings[0].status == "preliminary"
    assert [mark.where for mark in report.marks] == ["OBX[1]-11"]


def test_a_status_that_hl7_does_not_know_is_marked():
    report = read_one(PID, obr(f25="P"), obx(f11="Q"))
    assert (report.findings[0].status, report.marks[0].value) == ("preliminary", "Q")


def test_a_correction_has_the_key_of_what_it_corrects_though_its_message_has_another_number():
    first, second = (
        read_one(),
        read_one(PID, obr(f25="C"), obx(f11="C", f5="260415000^Not detected^SCT"), head=MSH.replace("M0001", "M0002")),
    )
    assert first.message_id != second.message_id
    assert result_key(first, first.findings[0]) == result_key(second, second.findings[0])
    assert (second.findings[0].status, second.findings[0].result) == ("corrected", "negative")


def test_results_of_other_orders_and_other_tests_have_other_keys():
    report = read_one(PID, OBR, OBX, obx(f1="2", f3="94558-4^Antigen^LN"), obx(f1="3"), obx(f1="4", f4="b"))
    other = read_one(PID, obr(f3="F2"), OBX)
    keys = [result_key(report, one) for one in report.findings] + [result_key(other, other.findings[0])]
    assert len(set(keys)) == 5


@pytest.mark.parametrize(
    ("value", "sort", "result"),
    [
        ("260373001^Detected^SCT", "CWE", "positive"),
        ("260415000^x^SCT", "CWE", "negative"),
        ("419984006^x^SCT", "CWE", "inconclusive"),
        ("125154007^x^SCT", "CWE", "unsatisfactory"),
        ("462371000124108^Detected in pooled specimen^SCT", "CWE", "inconclusive"),
        ("LA11882-0^x^LN", "CWE", "positive"),
        ("zz^local^L^260415000^^SCT", "CWE", "negative"),
        ("SARS-CoV-2 RNA not detected.", "ST", "negative"),
        ("NOT DETECTED", "TX", "negative"),
        ("Undetected", "ST", "negative"),
        ("Presumptive positive", "ST", "inconclusive"),
        ("陽性", "ST", "positive"),
        ("未檢出", "ST", "negative"),
        ("Inválido", "ST", "unsatisfactory"),
        ("NO DETECTADO", "ST", "negative"),
        ("not detected in sample one, detected in sample two", "ST", ""),
        ("No virus was detected before", "ST", ""),
        ("Detected: influenza excluded", "ST", ""),
        ("31.5", "NM", ""),
        ("", "ST", ""),
    ],
)
def test_the_result_is_what_the_answer_says_and_nothing_more(value, sort, result):
    assert finding_of(PID, OBR, obx(f2=sort, f5=value)).result == result


def test_the_laboratorys_flag_decides_where_the_answer_is_a_number():
    assert finding_of(PID, OBR, obx(f2="NM", f5="18.2", f8="POS")).result == "positive"
    assert finding_of(PID, OBR, obx(f2="NM", f5="18.2", f8="H")).result == ""


def test_a_value_that_names_the_virus_is_a_positive_result_of_its_disease():
    found = finding_of(PID, obr(f4="625-4^Culture^LN"), obx(f3="625-4^Culture^LN", f5="27268008^Salmonella^SCT"))
    assert (found.result, found.disease) == ("positive", "Salmonellosis")


def test_what_is_not_there_yet_is_pending_and_what_cannot_be_had_is_unsatisfactory():
    assert finding_of(PID, OBR, obx(f5="", f11="I")).result == "pending"
    assert finding_of(PID, OBR, obx(f5="", f11="X")).result == "unsatisfactory"


def test_what_was_not_asked_and_details_of_the_order_are_no_findings():
    report = read_one(PID, OBR, OBX, obx(f1="2", f11="N"), obx(f1="3", f11="O"))
    assert (len(report.findings), [name for name, _ in report.questions]) == (1, ["SARS-CoV-2 RNA"] * 2)


def test_a_test_that_the_table_does_not_know_takes_that_of_its_order():
    found = finding_of(PID, OBR, obx(f3="SARS^Sars^L"))
    assert (found.code, found.kind, found.disease) == ("SARS", "pcr", "COVID-19")
    assert finding_of(PID, obr(f4="X^x^L"), obx(f3="SARS^Sars^L")).kind == ""


def test_a_control_beside_the_result_is_no_result_of_the_disease():
    report = read_one(PID, OBR, OBX, obx(f1="2", f3="RP^Human RNase P control^L"))
    assert [(one.code, one.kind, one.disease) for one in report.findings] == [("94500-6", "pcr", "COVID-19"), ("RP", "", "")]


def test_a_question_asked_with_the_order_is_no_result_though_its_answer_reads_like_one():
    question = obx(f1="2", f2="ST", f3="88636-6^Previous test result^LN", f5="Positive", f29="QST")
    report = read_one(PID, OBR, obx(f5="260415000^Not detected^SCT"), question)
    assert [one.result for one in report.findings] == ["negative"]
    assert report.questions == (("Previous test result", "Positive"),)
    assert read_hl7(write_hl7(report), ZONE)[0].questions == report.questions


def test_the_gene_that_all_viruses_like_sars_share_proves_no_disease():
    assert finding_of(PID, obr(f4="94758-0^E gene^LN"), obx(f3="94758-0^E gene^LN")).disease == ""


def test_a_laboratorys_own_codes_come_as_data():
    table = usual_tests().plus({("L", "CVPCR"): ("COVID-19", "pcr")}, {("L", "+++"): "positive"})
    segments = (PID, obr(f4="X^x^L"), obx(f3="CVPCR^own^L", f5="+++^own^L"))
    (found,) = read_one(*segments, tests=table).findings
    assert (found.kind, found.disease, found.result) == ("pcr", "COVID-19", "positive")
    with pytest.raises(ValueError, match="kind must be one of"):
        usual_tests().plus({("L", "A"): ("COVID-19", "blood")})
    with pytest.raises(ValueError, match="result must be one of"):
        usual_tests().plus({}, {("L", "A"): "maybe"})


def test_the_test_kit_is_that_of_obx_17_else_of_18_else_of_an_observation_of_its_own():
    assert finding_of(PID, OBR, obx(f17="^^^^^^^^Kit by name")).device == "Kit by name"
    assert finding_of(PID, OBR, obx(f17="", f18="00643169001763^^2.51.1.1^ISO")).device == "00643169001763"
    report = read_one(PID, OBR, obx(f17=""), "OBX|2|ST|67099-2^Test kit name^LN||Kit Y||||||F")
    assert [one.device for one in report.findings] == ["Kit Y"]


def test_the_specimen_is_that_of_spm_else_of_obr_15_else_of_an_observation():
    assert read_one(PID, obr(f15="NP^Nasopharynx"), OBX).specimen.kind == "Nasopharynx"
    assert read_one(PID, obr(f15="NP^Nasopharynx"), OBX, SPM).specimen.kind == "Nasopharyngeal swab"
    report = read_one(PID, OBR, OBX, "OBX|2|CWE|66746-9^Specimen type^LN||258500001^Swab^SCT||||||F")
    assert (report.specimen.kind, len(report.findings)) == ("Swab", 1)
    assert report.specimen.taken_at == datetime(2026, 1, 4, 9, tzinfo=TAIPEI)


def test_what_was_asked_with_the_order_is_told_apart_from_the_results():
    report = read_one(
        *(
            PID,
            OBR,
            OBX,
            "OBX|2|DT|11368-8^Onset^LN||20260102||||||F",
            "OBX|3|CWE|95418-0^Health worker^LN||Y^Yes^HL70136||||||F",
        ),
        *(
            "OBX|4|CWE|95419-8^Symptoms^LN||UNK^Unknown^NULLFL||||||F",
            "OBX|5|CWE|82810-3^Pregnant^LN||60001007^Not pregnant^SCT||||||F",
        ),
    )
    assert (report.onset, report.days_only) == (datetime(2026, 1, 2, tzinfo=ZONE), ("onset",))
    assert dict(report.answers) == {"health_worker": "yes", "has_symptoms": "unknown", "pregnant": "no"}
    assert len(report.findings) == 1


def test_an_observation_on_the_sample_is_no_finding():
    assert len(read_one(PID, OBR, OBX, SPM, "OBX|1|NM|3151-8^Volume^LN||3|mL|||||F").findings) == 1


@pytest.mark.parametrize(
    ("told", "birth"),
    [
        *(("1980", (1980, None, None)), ("198003", (1980, 3, None)), ("19800314", (1980, 3, 14)), ("", (None, None, None))),
        *(("198003140530", (1980, 3, 14)), ("1980-03-14", (1980, 3, 14)), ("19800000", (1980, None, None))),
        ("19800399", (1980, 3, None)),
    ],
)
def test_a_date_of_birth_may_be_told_in_part(told, birth):
    report = read_one(pid(f7=told), OBR, OBX)
    assert (report.patient.birth, report.marks) == (birth, ())


@pytest.mark.parametrize("told", ["19801399", "14/03/1980", "unknown", "19800231"])
def test_a_date_of_birth_that_is_none_is_marked_and_left_out(told):
    report = read_one(pid(f7=told), OBR, OBX)
    assert report.patient.birth == (None, None, None)
    assert [(mark.where, mark.value) for mark in report.marks] == [("PID-7", told)]


@pytest.mark.parametrize(("told", "sex"), [("M", "M"), ("f", "F"), ("O", "X"), ("U", ""), ("", "")])
def test_sex_may_be_unknown(told, sex):
    assert read_one(pid(f8=told), OBR, OBX).patient.sex == sex


def test_a_sex_that_is_none_is_marked():
    assert [mark.where for mark in read_one(pid(f8="7"), OBR, OBX).marks] == ["PID-8"]


@pytest.mark.parametrize(
    ("told", "at", "day_only"),
    [
        ("20260104", datetime(2026, 1, 4, tzinfo=ZONE), True),
        ("202601040905", datetime(2026, 1, 4, 9, 5, tzinfo=ZONE), False),
        ("20260104090507.25+0100", datetime(2026, 1, 4, 9, 5, 7, 250000, tzinfo=timezone(timedelta(hours=1))), False),
        ("20260104090507-0330", datetime(2026, 1, 4, 9, 5, 7, tzinfo=timezone(-timedelta(hours=3, minutes=30))), False),
        ("20260104090507Z", datetime(2026, 1, 4, 17, 5, 7, tzinfo=ZONE), False),
    ],
)
def test_times_have_the_zone_that_they_name_or_that_of_the_sender(told, at, day_only):
    found = finding_of(PID, OBR, obx(f14=told))
    assert found.observed_at == at
    assert found.observed_at.utcoffset() == at.utcoffset() or told.endswith("Z")
    assert (found.days_only == ("observed_at",)) is day_only


@pytest.mark.parametrize("told", ["20261304", "yesterday", "20260104250000", "00000101", "20260104090000+9900"])
def test_a_time_that_is_none_is_marked(told):
    report = read_one(PID, OBR, obx(f14=told))
    assert report.findings[0].observed_at is None
    assert [mark.where for mark in report.marks] == ["OBX[1]-14"]


@pytest.mark.parametrize(
    ("name", "codec", "family"),
    [
        ("UNICODE UTF-8", "utf-8", "王"),
        ("ASCII", "ascii", "Wang"),
        ("8859/1", "latin-1", "Müller"),
        ("8859/5", "iso8859-5", "Петров"),
        ("8859/15", "iso8859-15", "Œuvre"),
        ("GB 18030-2000", "gb18030", "鏞"),
        ("BIG-5", "big5", "許功蓋"),
        ("KS X 1001", "euc_kr", "김"),
        ("ISO IR87", "iso2022_jp", "山田"),
        ("ISO IR14", "shift_jis", "ﾔﾏﾀﾞ"),
        ("UNICODE UTF-16", "utf-16", "王"),
        ("UNICODE UTF-16", "utf-16-le", "王"),
        ("UNICODE UTF-32", "utf-32", "王"),
        ("windows-1252", "cp1252", "Müller€"),
        ("", "utf-8", "王"),
    ],
)
def test_the_character_set_that_msh_18_names_is_read(name, codec, family):
    raw = message(PID.replace("王^小明", f"{family}^X"), OBR, OBX, head=MSH.replace("UNICODE UTF-8", name), codec=codec)
    (report,) = read_hl7(raw, ZONE)
    assert (report.patient.family, report.marks) == (family, ())


@pytest.mark.parametrize(
    ("name", "codec", "family", "read"),
    [
        ("ASCII", "utf-8", "王", "王"),
        ("UNICODE UTF-8", "latin-1", "Müller", "Müller"),
        ("", "latin-1", "Müller", "Müller"),
        ("CNS 11643-1992", "utf-8", "王", "王"),
        ("rot13", "utf-8", "王", "王"),
        ("8859/1", "utf-8", "Müller", "MÃ¼ller"),
        ("GB 18030-2000", "latin-1", "Ä b", "�"),
    ],
)
def test_a_wrong_character_set_survives(name, codec, family, read):
    raw = message(PID.replace("王^小明", f"{family}^X"), OBR, OBX, head=MSH.replace("UNICODE UTF-8", name), codec=codec)
    (report,) = read_hl7(raw, ZONE)
    assert report.patient.family.startswith(read)
    assert [mark.where for mark in report.marks] == ([] if name == "8859/1" else ["MSH-18"])


def test_a_byte_order_mark_and_lines_ended_by_line_feeds_are_understood():
    (report,) = read_hl7(b"\xef\xbb\xbf" + message().replace(b"\r", b"\r\n"), ZONE)
    assert report.findings[0].result == "positive"


def test_escapes_are_what_they_stand_for():
    (report,) = read_hl7(message(pid(f5="A\\T\\B\\S\\C\\F\\D\\R\\E\\E\\F\\X41\\\\Q\\^\\H\\X\\N\\"), OBR, OBX), ZONE)
    assert (report.patient.family, report.patient.given) == ("A&B^C|D~E\\FA\\Q\\", "X")


def test_other_separators_than_the_usual_ones_are_read():
    raw = (
        message()
        .decode()
        .replace("^~\\&", "*!@%")
        .replace("^", "*")
        .replace("~", "!")
        .replace("&", "%")
        .replace("|", "#")
        .encode()
    )
    (report,) = read_hl7(raw, ZONE)
    assert (report.patient.family, report.findings[0].result, report.sender) == ("王", "positive", "LIS")


def test_a_text_that_breaks_over_lines_stays_one_text():
    report = read_one(PID, OBR, OBX, "NTE|1||first line\nsecond line")
    assert report.findings[0].note == "first line\nsecond line"


def test_notes_belong_to_what_stands_before_them():
    report = read_one(PID, OBR, "NTE|1||on the order", OBX, "NTE|1||on the result")
    assert (report.note, report.findings[0].note) == ("on the order", "on the result")


def test_every_order_is_a_report_and_every_patient_has_their_own():
    raw = message(PID, OBR, OBX, obr(f1="2", f3="F2"), OBX, pid(f5="Lin^Mei"), obr(f3="F3"), OBX)
    reports = read_hl7(raw, ZONE)
    assert [(one.order, one.patient.family) for one in reports] == [("F1", "王"), ("F2", "王"), ("F3", "Lin")]


def test_a_batch_is_read_message_by_message():
    both = b"FHS|^~\\&|X\rBHS|^~\\&|X\r" + message() + b"\r" + message().replace(b"M0001", b"M0002") + b"\rBTS|2\rFTS|1\r"
    assert [one.message_id for one in read_hl7(both, ZONE)] == ["M0001", "M0002"]
    assert len(split_batch(both.decode())) == 2


def test_a_message_of_tests_says_so():
    assert read_one(head=MSH.replace("|P|2.5.1", "|T|2.5.1")).is_test_message
    assert not read_one().is_test_message


@pytest.mark.parametrize("kind", ["ADT^A01^ADT_A01", "VXU^V04", "SIU^S12", "ACK"])
def test_other_messages_hold_no_result_and_tell_whom_they_are_about(kind):
    with pytest.raises(NoResultError, match="no laboratory result") as caught:
        read_hl7(message(PID, "PV1|1", head=MSH.replace("ORU^R01^ORU_R01", kind)), ZONE)
    assert caught.value.patient.family == "王"
    assert caught.value.header.message_id == "M0001"


def test_an_oru_without_an_order_holds_no_result():
    with pytest.raises(NoResultError):
        read_hl7(message(PID, "PV1|1"), ZONE)


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "MSH"),
        (b"hello", "MSH"),
        (b'{"resourceType": "Bundle"}', "MSH"),
        (b"MSH|", "MSH-2"),
        (b"MSH|^^\\&|", "MSH-2"),
        (message(head=MSH.replace("M0001", "")), "MSH-10"),
        (message(OBR, OBX), "PID"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_its_place(raw, where):
    with pytest.raises(MessageError) as caught:
        read_hl7(raw, ZONE)
    assert caught.value.where == where


def test_a_message_can_be_looked_at_though_the_rest_of_it_is_broken():
    head = peek_hl7(message("PID|" + "\xff")[:200] + b"\xff\xfe")
    assert (head.message_id, head.sender, head.facility, head.kind) == ("M0001", "LIS", "City Lab", "ORU^R01")
    assert peek_hl7(b"\x00\x01").message_id == ""


def test_the_patient_of_an_admission_can_be_read():
    raw = message(PID, head=MSH.replace("ORU^R01^ORU_R01", "ADT^A01"))
    assert read_patient_hl7(raw, ZONE).family == "王"
    with pytest.raises(MessageError, match="no segment PID"):
        read_patient_hl7(message("PV1|1"), ZONE)

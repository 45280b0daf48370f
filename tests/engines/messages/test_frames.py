from datetime import UTC, datetime

import hl7
import pytest

from epipolis.engines.messages import Frame, Frames, acknowledge, frame

from .written import MSH, message

AT = datetime(2026, 1, 6, 9, tzinfo=UTC)


def test_a_frame_comes_out_when_its_end_has_come():
    frames = Frames()
    raw = frame(b"MSH|one")
    assert frames.feed(raw[:4]) == []
    assert frames.feed(raw[4:-1]) == []
    assert frames.feed(raw[-1:] + frame(b"MSH|two")) == [Frame(b"MSH|one"), Frame(b"MSH|two")]
    assert frames.close() == []


def test_a_frame_whose_end_never_comes_is_truncated_by_the_next_or_by_the_end_of_the_connection():
    frames = Frames()
    assert frames.feed(b"\x0bMSH|one" + frame(b"MSH|two")) == [Frame(b"MSH|one", "truncated"), Frame(b"MSH|two")]
    assert frames.feed(b"\x0bMSH|three\x1c") == []
    assert frames.close() == [Frame(b"MSH|three\x1c", "truncated")]
    assert frames.feed(frame(b"MSH|four")) == [Frame(b"MSH|four")]


def test_a_sender_that_forgets_the_carriage_return_is_understood():
    assert Frames().feed(b"\x0bMSH|one\x1c\x0bMSH|two\x1c\r") == [Frame(b"MSH|one"), Frame(b"MSH|two")]


def test_an_end_sign_within_a_text_ends_nothing():
    assert Frames().feed(frame(b"MSH|a\x1cb\x0bc")) == [Frame(b"MSH|a\x1cb\x0bc")]


def test_a_frame_that_is_too_large_is_told_once_and_let_go():
    frames = Frames(most=1_000)
    found = frames.feed(b"\x0bMSH|" + b"x" * 2_000)
    for _ in range(50):
        found += frames.feed(b"x" * 1_000)
        assert len(frames._held) < 100
    assert [one.fault for one in found] == ["too large"]
    assert found[0].raw.startswith(b"MSH|x")
    assert frames.feed(b"x\x1c\r" + frame(b"MSH|two")) == [Frame(b"MSH|two")]


def test_after_a_frame_that_is_too_large_the_next_start_is_found_without_its_end():
    frames = Frames(most=100)
    assert [one.fault for one in frames.feed(b"\x0b" + b"x" * 500)] == ["too large"]
    assert frames.feed(frame(b"MSH|two")) == [Frame(b"MSH|two")]


def test_what_stands_between_frames_is_told_but_for_line_ends():
    frames = Frames()
    assert frames.feed(b"\r\n" + frame(b"MSH|one") + b"\r\nGET / HTTP/1.1" + frame(b"MSH|two")) == [
        Frame(b"MSH|one"),
        Frame(b"\r\nGET / HTTP/1.1", "outside a frame"),
        Frame(b"MSH|two"),
    ]


def test_an_empty_frame_is_told():
    assert Frames().feed(frame(b"") + frame(b" \r")) == [Frame(b"", "empty"), Frame(b" \r", "empty")]


def fields(raw):
    return {str(line[0]): line for line in hl7.parse(raw.decode())}


def test_an_acknowledgement_names_the_message_and_goes_back_to_its_sender():
    made = fields(acknowledge(message(), "AA", at=AT))
    assert str(made["MSA"]) == "MSA|AA|M0001"
    assert (str(made["MSH"][3]), str(made["MSH"][5]), str(made["MSH"][9])) == (
        "EPIPOLIS",
        "LIS^2.16.840.1.1^ISO",
        "ACK^R01^ACK",
    )
    assert str(made["MSH"][7]) == "20260106090000+0000"
    assert "ERR" not in made


def test_a_refusal_tells_what_is_wrong_and_where():
    made = fields(acknowledge(message(), "AE", "is no time", at=AT, where="OBX[2]-14.1"))
    assert str(made["MSA"]) == "MSA|AE|M0001|is no time"
    assert (str(made["ERR"][2]), str(made["ERR"][4])) == ("OBX^2^14^1^1", "E")
    assert str(made["ERR"][3]).endswith("HL70357")


@pytest.mark.parametrize(
    ("where", "text", "code"),
    [
        ("MSH-10", "no message control id", "101"),
        ("PID", "no segment PID", "100"),
        ("MSH-9", "no laboratory result in it", "200"),
    ],
)
def test_the_error_has_a_code_of_hl7(where, text, code):
    assert str(fields(acknowledge(message(), "AR", text, at=AT, where=where))["ERR"][3][0][0]) == code


def test_bytes_that_are_no_message_are_answered_too():
    made = fields(acknowledge(b"\x00\xffgarbage", "AR", "no segment MSH", at=AT, where="MSH"))
    assert str(made["MSA"]) == "MSA|AR||no segment MSH"


def test_an_answer_uses_the_senders_separators_and_character_set():
    head = MSH.replace("^~\\&", "*!@%").replace("^", "*").replace("UNICODE UTF-8", "8859/1").replace("|LIS", "|Büro")
    raw = acknowledge(message("PID*1", head=head, codec="latin-1"), "AE", "Größe|*", at=AT)
    assert raw.startswith(b"MSH|*!@%|")
    assert "Büro" in raw.decode("latin-1")
    assert "Größe@F@@S@" in raw.decode("latin-1")


def test_another_code_is_refused():
    with pytest.raises(ValueError, match="AA, AE, AR"):
        acknowledge(message(), "CA", at=AT)


def test_a_text_cannot_add_segments_or_end_the_frame():
    raw = acknowledge(message(), "AE", "a\rMSA|AA|M0001\x1c\r\x0bMSH|", at=AT)
    assert raw.count(b"\rMSA") == 1
    assert Frames().feed(frame(raw)) == [Frame(raw)]

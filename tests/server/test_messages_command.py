import json

import pytest

from epipolis.server.commands.messages import messages
from tests.engines.messages.written import MSH, OBR, OBX, PID, message, pid
from tests.server.commands import runner

run = runner(messages)


def test_a_message_is_read_as_a_table(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(message())
    result = run("read", file)
    assert result.exit_code == 0
    for told in ("M0001", "小明 王", "1980-03-14", "positive", "COVID-19", "Kit X"):
        assert told in result.output


def test_every_format_is_read_and_the_answer_is_for_programs_too(tmp_path):
    (tmp_path / "a.hl7").write_bytes(message())
    (tmp_path / "b.csv").write_text(
        "message_id,order,laboratory,family_name,given_name,test_code,result\n1,F1,L,W,M,94500-6,positive\n2"
    )
    (tmp_path / "c.json").write_text('{"resourceType": "Bundle", "entry": []}')
    result = run("read", *sorted(tmp_path.iterdir()), "--zone", "Asia/Taipei", "--json")
    told = [one for every in json.loads(result.output).values() for one in every]
    assert [one.get("disease", one.get("error")) for one in told] == [
        *("COVID-19", "COVID-19", "row 3 order: must be filled", "$: no laboratory result in it (found 'Bundle')"),
    ]
    assert result.exit_code == 1


def test_a_message_without_a_result_says_whom_it_is_about(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(message(PID, head=MSH.replace("ORU^R01^ORU_R01", "ADT^A01")))
    result = run("read", file)
    assert result.exit_code == 0
    assert "ADT^A01: no laboratory result in it; it is about 小明 王" in result.output


def test_a_message_cannot_steer_the_terminal(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(message(pid(f5="[/red]\\X1B\\[2J^[bold]"), OBR, OBX))
    result = run("read", file)
    assert "[bold] [/red]�[2J" in result.output
    assert "\x1b[2J" not in result.output


def test_what_is_no_message_is_refused_with_its_place(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(b"hello")
    result = run("read", file)
    assert result.exit_code == 1
    assert "refused: MSH: no segment MSH begins the message" in result.output


def test_our_fhir_is_compared_with_another_field_by_field(shared_data):
    folder = shared_data / "hl7v2"
    both = folder / "LAB-ORU-1.hl7", folder / "LAB-ORU-1-expected-fhir.json"
    result = run("compare", *both, "--brief")
    assert "194 fields equal, 170 different, 0 of them for no known reason" in result.output
    told = json.loads(run("compare", *both, "--json").output)
    assert (told["equal"], len(told["differences"])) == (194, 170)
    assert "Observation" in run("compare", *both).output


def test_a_wrong_call_is_told(tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(message())
    with pytest.raises(ValueError, match="two files"):
        run("compare", file)
    with pytest.raises(ValueError, match="no zone 'Mars'"):
        run("read", file, "--zone", "Mars")
    (tmp_path / "b.json").write_text("[")
    with pytest.raises(ValueError, match=r"b\.json is no JSON"):
        run("compare", file, tmp_path / "b.json")

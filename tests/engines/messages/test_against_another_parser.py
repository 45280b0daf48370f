"""What a field holds is the same here as in python-hl7, which is too slow for the intake but well tried."""

import hl7
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.messages import split_batch
from epipolis.engines.messages.charsets import decode
from epipolis.engines.messages.segments import segments_of

from .written import message

PLAIN = st.text(
    st.characters(codec="utf-8", exclude_characters="|^~\\&\r\n\x0b\x1c\0", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")),
    max_size=5,
)


def as_others_read(text):
    """Every component of every field by python-hl7, as (segment, field, repetition, component) → text."""
    made = {}
    for place, line in enumerate(hl7.parse(text.replace("\n", "\r"))):
        for number, field in enumerate(line):
            if number == 0 or (str(line[0]) == "MSH" and number < 3):
                continue
            for repetition, one in enumerate(field if isinstance(field, hl7.Field) else [field]):
                for component, part in enumerate(one if isinstance(one, hl7.Repetition) else [one], start=1):
                    first = part[0] if isinstance(part, hl7.Component) and len(part) else part
                    made[place, number, repetition, component] = str(first)
    return made


def as_we_read(text, places):
    segments = segments_of(split_batch(text)[0])
    made = {}
    for place, number, repetition, component in places:
        found = segments[place].repetitions(number)
        made[place, number, repetition, component] = (
            segments[place].part(found[repetition], component) if repetition < len(found) else ""
        )
    return made


def assert_the_same(text):
    others = as_others_read(text)
    ours = as_we_read(text, others)
    for place, told in others.items():
        if "\\" not in told and told != '""':
            assert ours[place] == told.strip(), place


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(st.lists(PLAIN, max_size=4).map("^".join), max_size=3).map("~".join), min_size=1, max_size=8),
        max_size=5,
    )
)
def test_every_component_is_where_another_parser_has_it(segments):
    assert_the_same(message(*["|".join(["ZAB", *fields]) for fields in segments]).decode() if segments else message().decode())


def test_the_given_messages_have_the_same_fields_as_another_parser_finds(shared_data):
    files = sorted((shared_data / "hl7v2").glob("*.hl7"))
    assert len(files) == 15
    for file in files:
        assert_the_same(decode(file.read_bytes())[0])

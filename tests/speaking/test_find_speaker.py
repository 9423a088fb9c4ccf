"""Who speaks: by name, by a name that is unique but for case, by id; and what is said of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from speaking.options import find_speaker


@pytest.mark.parametrize(
    ("asked", "speakers", "index", "told"),
    [
        ("kathleen", ("ann", "kathleen"), 1, ""),
        ("Kathleen", ("ann", "kathleen"), 1, "this voice has no speaker 'Kathleen': 'kathleen' is taken"),
        (" ann ", ("ann", "kathleen"), 0, "'ann' is taken"),
        ("STRASSE", ("ann", "straße"), 1, "'straße' is taken"),
        ("Ann", ("ann", "Ann"), 1, ""),
        ("0", ("ann", "bob"), 0, "no speaker is called '0': 0 is taken as an id, that of 'ann'"),
        (1, ("ann", "bob"), 1, "that of 'bob'"),
        ("0", ("1", "0"), 1, ""),
        ("01", ("5", "7"), 1, "that of '7'"),
        ("0", (), 0, "that of its only one"),
        ("0", ("ann",), 0, "that of 'ann'"),
    ],
)
def test_a_speaker_is_found_by_name_then_but_for_case_then_by_id(
    asked: str | int, speakers: tuple[str, ...], index: int, told: str
) -> None:
    found, note = find_speaker(asked, speakers)
    assert found == index
    assert told in note
    assert bool(told) == bool(note)


@pytest.mark.parametrize(
    ("asked", "speakers", "told"),
    [
        ("ANN", ("ann", "Ann", "bob"), "no speaker 'ANN', but 'ann', 'Ann': give one of these names exactly"),
        ("2", ("ann", "bob"), "no speaker '2'; it has ann, bob"),
        ("-1", ("ann", "bob"), "no speaker '-1'"),
        ("", ("ann", "bob"), "no speaker ''"),
        ("1", (), "nobody by name, it has one speaker"),
        ("p2", tuple(f"p{number}5" for number in range(100)), "100 speakers, with the ids 0 to 99; the nearest names"),
    ],
)
def test_who_is_not_there_is_refused_with_what_there_is(asked: str, speakers: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError) as refused:
        find_speaker(asked, speakers)
    assert told in str(refused.value)


@settings(deadline=None)
@given(st.lists(st.text(), unique=True, max_size=8), st.integers(0, 12))
def test_a_name_of_the_voice_is_always_its_own_and_every_other_id_is_taken(speakers: list[str], number: int) -> None:
    for index, name in enumerate(speakers):
        assert find_speaker(name, speakers) == (index, "")
    if str(number) not in speakers and number < max(1, len(speakers)):
        alike = [name for name in speakers if name.strip() == str(number)]
        assert alike or find_speaker(number, speakers)[0] == number

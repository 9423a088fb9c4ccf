"""Content that does not fit is one sentence that names the file, whatever is wrong with it."""

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from configs.content import UNFIT, content_of, json_object, require_like

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


@pytest.mark.parametrize("error", UNFIT)
def test_whatever_is_raised_names_the_file_what_it_should_hold_and_what_to_do(error: type[Exception]) -> None:
    with (
        pytest.raises(InputError, match=r"^a/b\.c: does not hold a voice \(.+\): make it again$"),
        content_of("a/b.c", "a voice", "make it again"),
    ):
        raise error("the reason")


def test_a_sentence_that_names_the_file_already_is_left_as_it_is_and_another_gets_its_name() -> None:
    for told, expected in (("a.c: is odd", "a.c: is odd"), ("is odd", "a.c: is odd")):
        with pytest.raises(InputError) as raised, content_of("a.c", "a voice", "make it again"):
            raise InputError(told)
        assert str(raised.value) == expected


def test_a_bug_that_is_no_fault_of_the_content_is_not_hidden() -> None:
    with pytest.raises(MemoryError), content_of("a.c", "a voice", "make it again"):
        raise MemoryError


def test_reasons_are_short_and_on_one_line() -> None:
    with pytest.raises(InputError) as raised, content_of("a.c", "a voice", "make it again"):
        raise ValueError("many\nlines " * 1000)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "content", [b"\xff", b"", b"[]", b"7", b"[" * 100_000, b'{"a":' * 100_000, b"nul", b'{"a": ' + b"1" * 5000 + b"}"]
)
def test_what_is_no_json_object_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        json_object(content)


@given(TREES)
def test_every_tree_is_like_itself_and_a_json_object_comes_back(tree: Any) -> None:
    if isinstance(tree, dict):
        require_like(tree, tree)
        written = json.dumps({"tree": None})
        assert json_object(written) == {"tree": None}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "step is missing"),
        ({"step": "7"}, "step is a str and not a int"),
        ({"step": True}, "step is a bool and not a int"),
        ({"step": 7.0}, "step is a float and not a int"),
        ({"step": 7, "rate": "x"}, "rate is a str and not a float"),
        ({"step": 7, "rate": 1, "names": "ab"}, "names is a str and not a list"),
        ({"step": 7, "rate": 1, "names": ["a", 3]}, r"names\[1\] is a int and not a str"),
        ({"step": 7, "rate": 1, "names": [], "weights": {"w": 1}}, "weights.w is a int and not a float of|a Tensor"),
        ({"step": 7, "rate": 1, "names": [], "weights": {"w": torch.zeros(3)}}, r"shape \[3\].*not.*shape \[2\]"),
        ({"step": 7, "rate": 1, "names": [], "weights": {"w": torch.zeros(2).double()}}, "float64"),
        ([], "it is a list and not a dict"),
    ],
)
def test_what_differs_is_told_by_its_place(found: Any, told: str) -> None:
    expected = {"step": 0, "rate": 0.5, "names": [""], "weights": {"w": torch.zeros(2)}, "anything": None}
    if isinstance(found, dict) and found:
        found = {"anything": object()} | found
    with pytest.raises(ValueError, match=told):
        require_like(found, expected)

"""The measure that the pages are held to is itself held to this."""

import pytest

from tests.docs.likeness import differences, fill


def compare(shown: object, said: object) -> list[str]:
    return list(differences(shown, said, {}))


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"a": 1, "b": None}, {"b": None, "a": 1}),
        ({"a": "‹x›", "b": "‹x›-2"}, {"a": "q", "b": "q-2"}),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}),
        (["‹…›", "…"], [1, 2, 3]),
        ("‹e›-1,‹f›-2", "aa-1,bb-2"),
    ],
)
def test_what_varies_may_vary(shown: object, said: object) -> None:
    assert compare(shown, said) == []


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": "‹x›", "b": "‹x›"}, {"a": "q", "b": "r"}),
        (True, 1),
        ([1], [1, 2]),
        ([1, 2], [1]),
        ("‹x›", 1),
        ("‹x›-1", "q-2"),
    ],
)
def test_what_is_shown_must_hold(shown: object, said: object) -> None:
    assert compare(shown, said) != []


def test_a_value_that_was_met_stands_in_later_requests() -> None:
    known: dict[str, str] = {}
    assert not list(differences({"id": "‹update›"}, {"id": "0192"}, known))
    assert fill("/updates/‹update›", known) == "/updates/0192"

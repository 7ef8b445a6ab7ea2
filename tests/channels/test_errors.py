"""Every error knows how each door answers it."""

import inspect
import re
from collections.abc import Iterator

import pytest

from channels import errors
from channels.errors import (
    CallerError,
    Conflict,
    Draining,
    Fault,
    Invalid,
    LivewireError,
    LogUnavailable,
    NotFound,
    NotSignedIn,
    ServiceError,
    StorageFull,
    UnknownChannel,
)


def everyone(
    root: type[LivewireError] = LivewireError,
) -> Iterator[type[LivewireError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from everyone(child)


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = re.findall(r"([A-Z]\w+) +(\d{3})\b", inspect.getdoc(errors) or "")
    known = [(each.__name__, str(each.status)) for each in everyone()]
    assert drawn == [("LivewireError", "500"), *known]


def test_a_branch_and_a_status_agree() -> None:
    for each in everyone():
        assert issubclass(each, CallerError) == (each.status < 500), each
        assert issubclass(each, ServiceError) == (each.status >= 500), each


def test_a_close_code_says_whether_to_come_back() -> None:
    defined = {1003, 1009, 1011, 1013}
    for each in everyone():
        comes_back = each.status >= 500 or each.status == 408
        assert each.close_code in defined or (each.close_code >= 4100) == comes_back


def test_a_code_names_one_condition() -> None:
    own = [each.code for each in everyone() if "code" in vars(each)]
    assert len(set(own)) == len(own)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in own)


def test_a_problem_has_the_members_of_rfc_9457() -> None:
    fault = Fault("/headline", "It is empty.")
    error = Invalid("Two rules.", errors=[fault], members={"top": 3})
    assert error.problem() == {
        "type": "urn:livewire:problem:invalid",
        "title": "The request breaks the rules named in errors",
        "status": 422,
        "detail": "Two rules.",
        "errors": [{"pointer": "/headline", "detail": "It is empty."}],
        "top": 3,
    }
    assert str(error) == "Two rules."


def test_a_problem_without_more_to_say_is_its_title() -> None:
    problem = UnknownChannel().problem()
    assert set(problem) == {"type", "title", "status"}
    assert str(UnknownChannel()) == problem["title"]
    assert isinstance(UnknownChannel(), NotFound)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Conflict("story/x", 3), "1"),
        (LogUnavailable(), "2"),
        (Draining(), "1"),
        (StorageFull(), "30"),
    ],
)
def test_what_passes_says_when_to_come_back(error: LivewireError, seconds: str) -> None:
    assert error.headers == {"Retry-After": seconds}


def test_a_conflict_carries_the_top() -> None:
    error = Conflict("story/x", 3)
    assert (error.channel, error.top, error.status) == ("story/x", 3, 503)


def test_a_token_that_fails_is_told_from_none() -> None:
    assert NotSignedIn().headers == {"WWW-Authenticate": "Bearer"}
    sent = NotSignedIn("It has expired.", sent=True).headers
    assert sent == {"WWW-Authenticate": 'Bearer error="invalid_token"'}

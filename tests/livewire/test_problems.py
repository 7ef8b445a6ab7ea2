"""Answers that are no success, as a client reads them."""

import httpx
import pytest

from channels.errors import Fault
from livewire.problems import Problem, content_of, problem_in, unanswered

SAID = {
    "type": "urn:livewire:problem:invalid",
    "title": "The request breaks the rules named in errors",
    "status": 422,
    "errors": [{"pointer": "/body", "detail": "This member is required."}],
}


def test_a_problem_is_read_in_full() -> None:
    problem = problem_in(httpx.Response(422, json=SAID))
    assert problem.status == 422
    assert problem.type == "urn:livewire:problem:invalid"
    assert problem.errors == (Fault("/body", "This member is required."),)
    assert not problem.passing


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b'"no"'])
def test_an_answer_of_somebody_else_is_a_problem_too(body: bytes) -> None:
    problem = problem_in(httpx.Response(502, content=body))
    assert (problem.status, str(problem)) == (502, "Bad Gateway")
    assert problem.passing


@pytest.mark.parametrize(
    ("given", "seconds"), [("7", 7), ("99999", 120), ("Sun, 22 Nov 2026", 0), ("-1", 0)]
)
def test_the_time_that_is_asked_for_is_believed_within_reason(
    given: str, seconds: float
) -> None:
    answer = httpx.Response(503, headers={"Retry-After": given})
    assert problem_in(answer).after == seconds


def test_no_answer_names_the_key_to_repeat_with() -> None:
    problem: Problem = unanswered(httpx.ReadTimeout(""), "of-the-script")
    assert problem.status == 0
    assert problem.passing
    assert "ReadTimeout" in problem.detail
    assert "of-the-script" in problem.detail


@pytest.mark.parametrize("body", [b"", b"<h1>Welcome to the hotel</h1>", b"[]"])
def test_a_success_that_is_no_object_is_a_problem(body: bytes) -> None:
    with pytest.raises(Problem, match="cannot read"):
        content_of(httpx.Response(200, content=body))

"""publishers/permissions.py: scopes, and the roles that are sets of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import NotAllowed, NotSignedIn
from publishers.permissions import (
    ACTIONS,
    ANYBODY,
    ROLES,
    Grant,
    expand,
    is_scope,
)


def grant(*scopes: str) -> Grant:
    return Grant("ines", frozenset(scopes))


@pytest.mark.parametrize(
    ("scope", "channel", "covered"),
    [
        ("publish:*", "story/night", True),
        ("publish:story/*", "story/night", True),
        ("publish:story/*", "newsroom/night", False),
        ("publish:story/night", "story/night", True),
        ("publish:story/night", "story/night-2", False),
        ("publish:story/night", "story/nigh", False),
        ("publish:story/night*", "story/night-2", True),
        ("follow:*", "story/night", False),
        ("publishing:*", "story/night", False),
        ("admin", "story/night", True),
    ],
)
def test_a_scope_covers_the_channels_its_pattern_names(
    scope: str, channel: str, covered: bool
) -> None:
    assert grant(scope).covers("publish", channel) is covered


@given(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS))
def test_a_scope_is_good_for_its_own_action_alone(one: str, other: str) -> None:
    assert grant(f"{one}:*").covers(other, "story/night") is (one == other)
    assert grant(f"{one}:*").ever(other) is (one == other)


def test_an_admin_may_do_everything_everywhere() -> None:
    assert all(grant("admin").ever(action) for action in ACTIONS)
    grant("admin").require("purge", "story/night")


def test_without_a_token_one_is_asked_for_and_without_the_scope_it_is_named() -> None:
    with pytest.raises(NotSignedIn):
        ANYBODY.require("publish", "story/night")
    with pytest.raises(NotAllowed) as refused:
        grant("follow:*").require("publish", "story/night")
    assert "publish:story/night" in refused.value.detail
    grant("publish:*").require("publish", "story/night")


@pytest.mark.parametrize(
    "text", ["admin", "follow:*", "publish:story/*", "purge:story/night", "submit:a"]
)
def test_scopes_keep_their_grammar(text: str) -> None:
    assert is_scope(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "admin:*",
        "follow",
        "follow:",
        "read:*",
        "follow:**",
        "follow:A",
        "follow:*x",
        "follow:story/\n",
        f"follow:{'a' * 81}",
    ],
)
def test_what_breaks_the_grammar_is_no_scope(text: str) -> None:
    assert not is_scope(text)


def test_roles_stand_for_their_scopes_and_scopes_for_themselves() -> None:
    wanted = {"follow:*", "submit:*", "purge:story/a"}
    assert expand(["contributor", "purge:story/a"], ROLES) == wanted
    assert expand([], ROLES) == frozenset()


def test_an_unknown_role_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="'boss' is neither"):
        expand(["boss"], ROLES)


def test_each_role_may_more_than_the_one_before() -> None:
    contributor, editor, chief = (
        set(ROLES[name]) for name in ("contributor", "editor", "chief")
    )
    assert contributor < editor < chief

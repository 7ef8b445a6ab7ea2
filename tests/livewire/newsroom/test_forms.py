"""Form fields in, request content out."""

import pytest

from channels.errors import Fault, Invalid
from livewire.newsroom import forms
from livewire.newsroom.forms import Form


def form(**fields: str) -> Form:
    return Form({name: [value] for name, value in fields.items()})


def test_what_is_left_empty_is_left_out() -> None:
    assert forms.new_update(form(headline="Polls close", body="  \n")) == {
        "headline": "Polls close"
    }


def test_a_quote_makes_the_update_a_quote() -> None:
    typed = form(quote_text="We lost.", quote_name="Ida Brandt", quote_role="")
    assert forms.new_update(typed) == {
        "kind": "quote",
        "quote": {"text": "We lost.", "name": "Ida Brandt"},
    }


def test_an_alert_must_be_confirmed() -> None:
    with pytest.raises(Invalid) as refused:
        forms.new_update(form(headline="Polls close", breaking="yes"))
    assert forms.faults_by_field(refused.value).keys() == {"alert"}
    confirmed = form(headline="Polls close", breaking="yes", alert="yes")
    assert forms.new_update(confirmed)["breaking"] is True


def test_a_story_may_be_opened_with_its_first_update() -> None:
    typed = form(headline="Night", status="live", update_body="Polls close.")
    assert forms.new_story(typed) == {
        "headline": "Night",
        "status": "live",
        "update": {"body": "Polls close."},
    }


def test_what_is_emptied_in_a_change_is_removed() -> None:
    assert forms.changed_update(form(headline="", body="Text.")) == {
        "headline": None,
        "body": "Text.",
    }


def test_a_toggle_changes_nothing_else() -> None:
    assert forms.changed_update(form(pinned="false")) == {"pinned": False}


def test_a_correction_carries_its_notes() -> None:
    typed = form(body="71.", correction="It said 17.", note="Typo", purge="yes")
    assert forms.changed_update(typed) == {
        "body": "71.",
        "correction": "It said 17.",
        "note": "Typo",
        "purge": True,
    }


def test_faults_stand_beside_their_fields() -> None:
    error = Invalid(
        errors=[Fault("/quote/text", "Required."), Fault("/media/0/alt", "")]
    )
    assert forms.faults_by_field(error).keys() == {"quote_text", "media_0_alt"}


def test_a_picture_joins_the_tray_with_its_words() -> None:
    typed = Form({"media_id": ["a"], "media_alt": ["A"], "alt": ["B"]}, b"png")
    kept = typed.with_picture("b")
    assert [(row["id"], row["alt"]) for row in kept.pictures()] == [
        ("a", "A"),
        ("b", "B"),
    ]
    assert (kept.get("alt"), kept.picture) == ("", b"")


def test_a_picture_ticked_to_be_left_out_is_left_out() -> None:
    typed = Form({"media_id": ["a", "b"], "media_alt": ["A", "B"], "media_drop": ["a"]})
    assert forms.new_update(typed)["media"] == [{"id": "b", "alt": "B"}]


def test_words_are_given_back_and_what_the_page_carries_is_not() -> None:
    assert form(headline="Polls", csrf="secret", key="1").words() == ["Polls"]

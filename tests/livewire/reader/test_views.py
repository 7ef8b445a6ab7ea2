from datetime import timedelta

from livewire.reader import views
from tests.livewire.reader.samples import NOW, SECTIONS, at, item, story, stub, update

SCENE = views.scene_of(story(), now=NOW)


def test_breaking_ends_by_the_clock() -> None:
    alert = update("a", breaking=True, breaking_until=at("20:41"))
    assert views.is_breaking(alert, now=NOW)
    assert not views.is_breaking(alert, now=NOW + timedelta(minutes=1))
    assert views.is_breaking(update("a", breaking=True), now=NOW)


def test_a_withdrawn_update_keeps_no_text() -> None:
    view = views.update_view(stub("a") | {"headline": ""}, scene=SCENE)
    assert view["whole"] is None
    assert view["headline"] == "Update, 21:00"


def test_links_that_are_no_web_addresses_are_left_out() -> None:
    bad = {"name": "X", "url": "javascript:alert(1)"}
    view = views.update_view(update("a", source=bad, authors=[bad]), scene=SCENE)
    assert "javascript" not in str(view)


def test_few_readers_are_not_counted() -> None:
    assert views.reading(49) is None
    assert views.reading(12408) == "12,408 reading"


def test_live_comes_before_quiet_and_urgent_before_calm() -> None:
    ranks = [
        views.rank(item("a", urgency=2)),
        views.rank(item("b")),
        views.rank(item("c", status="paused", urgency=1)),
        views.rank(item("d", status="ended", urgency=1)),
    ]
    assert ranks == sorted(ranks)


def test_a_line_names_its_section_by_title() -> None:
    view = views.line_view(item("a"), scene=SCENE, sections=SECTIONS)
    assert view["section"] == "Politics"

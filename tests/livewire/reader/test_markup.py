from markupsafe import escape

from livewire.reader.markup import Blank, bind


def test_values_are_written_escaped() -> None:
    assert bind(href='/?a=1&b="2"', class_="update") == (
        ' href="/?a=1&amp;b=&#34;2&#34;" class="update"'
    )


def test_nothing_is_left_off() -> None:
    assert bind(href=None, aria_label="") == ' aria-label=""'


def test_a_known_field_needs_no_notes() -> None:
    assert bind(when=True, text="words", html="<p>", each={"a": 1}) == ""


def test_a_blank_field_leaves_its_path() -> None:
    blank = Blank()
    written = bind(when=blank.quote, text=blank.quote.text, href=blank.permalink)
    assert written == (
        ' data-if="quote" data-text="quote.text" data-attr-href="permalink"'
    )


def test_a_blank_list_has_one_item_with_paths_of_its_own() -> None:
    (turn,) = Blank().qa
    assert bind(each=turn, text=turn.answer) == ' data-each="qa" data-text="answer"'


def test_a_blank_is_true_and_empty() -> None:
    assert bool(Blank().anything)
    assert escape(Blank().anything) == ""

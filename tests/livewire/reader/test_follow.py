"""The browser client against a scripted stream: `livewire/static/livewire.js`."""

from typing import cast

from playwright.sync_api import Page

from tests.livewire.reader.conftest import LiveSite

Json = dict[str, object]

START = """async ({channels, options}) => {
  const { follow } = await import("/static/livewire.js");
  window.events = [];
  window.states = [];
  window.following = follow(channels, {
    ...options,
    onEvent: (event) =>
      window.events.push({ ...event, named: event.named && [...event.named] }),
    onState: (told) => {
      window.told = told;
      if (window.states.at(-1) !== told.state) window.states.push(told.state);
    },
  });
}"""


def start(
    page: Page, site: LiveSite, channels: dict[str, str | None], **options: object
) -> None:
    page.goto("/blank")
    page.evaluate(START, {"channels": channels, "options": options})
    site.wait_for_requests(1)


def wait_for_events(page: Page, count: int) -> list[Json]:
    page.wait_for_function(f"window.events.length >= {count}")
    return cast("list[Json]", page.evaluate("window.events"))


def wait_for_state(page: Page, state: str) -> None:
    page.wait_for_function(f"window.told.state === '{state}'")


def ready(site: LiveSite, position: str, top: str, channel: str = "story/x") -> None:
    site.event("ready", channel=channel, position=position, top=top, floor=0)


def update(site: LiveSite, position: str, key: str, data: object = "here") -> None:
    given = {} if data == "here" else data
    site.event(
        "update", channel="story/x", position=position, key=f"update/{key}", data=given
    )


def keys_of(events: list[Json]) -> list[object]:
    return [event["key"] for event in events if event["event"] == "update"]


def test_live_is_said_only_at_the_top(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "aaaaaaaa-1"})
    assert site.asked[0].query == "channel=story%2Fx&since=aaaaaaaa-1"
    ready(site, "aaaaaaaa-1", "aaaaaaaa-3")
    update(site, "aaaaaaaa-2", "a")
    wait_for_events(page, 2)
    assert page.evaluate("window.states") == ["connecting", "catching-up"]
    update(site, "aaaaaaaa-3", "b")
    wait_for_state(page, "live")
    assert keys_of(wait_for_events(page, 3)) == ["update/a", "update/b"]


def test_lines_end_as_they_like_and_break_anywhere(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0"})
    raw = (
        "\ufeff: a word of comment\r\nid: 7\revent: ready\r\ndata:"
        '{"channel":"story/x",\rdata: "position":"0","top":"aaaaaaaa-1"}\r\n\r\n'
        'event:update\rdata: {"channel":"story/x","position":"aaaaaaaa-1",\n'
        'data:"key":"update/é","data":{"text":"naïve ☃"}}\r\r'
    ).encode()
    page.evaluate(
        """async (bytes) => {
          const { EventParser } = await import("/static/event-stream.js");
          const decoder = new TextDecoder();
          window.parsed = [];
          const parser = new EventParser((name, data) =>
            window.parsed.push([name, JSON.parse(data)]), () => {});
          for (const byte of bytes)
            parser.push(decoder.decode(new Uint8Array([byte]), { stream: true }));
        }""",
        list(raw),
    )
    parsed = page.evaluate("window.parsed")
    assert [name for name, _ in parsed] == ["ready", "update"]
    assert parsed[1][1]["data"] == {"text": "naïve ☃"}


def test_what_was_had_is_dropped(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "aaaaaaaa-1"})
    ready(site, "aaaaaaaa-1", "aaaaaaaa-1")
    update(site, "aaaaaaaa-1", "had")
    update(site, "aaaaaaaa-2", "new")
    update(site, "aaaaaaaa-2", "again")
    update(site, "bbbbbbbb-3", "next-epoch")
    events = wait_for_events(page, 3)
    assert keys_of(events) == ["update/new", "update/next-epoch"]


def test_a_cut_stream_goes_on_from_the_last_event(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "aaaaaaaa-1", "breaking": "cccccccc-9"})
    ready(site, "cccccccc-9", "cccccccc-9", channel="breaking")
    ready(site, "aaaaaaaa-1", "aaaaaaaa-1")
    update(site, "aaaaaaaa-2", "a")
    wait_for_events(page, 3)
    site.hang_up()
    site.wait_for_requests(2)
    again = site.asked[1]
    assert again.query == "channel=breaking&channel=story%2Fx"
    assert again.headers["last-event-id"] == "cccccccc-9,aaaaaaaa-2"
    assert page.evaluate("window.told.lost") is not None
    ready(site, "cccccccc-9", "cccccccc-9", channel="breaking")
    ready(site, "aaaaaaaa-2", "aaaaaaaa-3")
    update(site, "aaaaaaaa-3", "b")
    wait_for_state(page, "live")
    assert keys_of(wait_for_events(page, 6)) == ["update/a", "update/b"]
    assert page.evaluate("window.states") == [
        "connecting",
        "catching-up",
        "live",
        "reconnecting",
        "catching-up",
        "live",
    ]


def test_a_reset_names_what_stays_even_across_a_reconnect(
    page: Page, site: LiveSite
) -> None:
    start(page, site, {"story/x": "aaaaaaaa-5"})
    site.event(
        "reset",
        channel="story/x",
        reason="epoch",
        position="bbbbbbbb-0",
        top="bbbbbbbb-3",
        floor=0,
    )
    update(site, "bbbbbbbb-1", "a")
    wait_for_events(page, 2)
    site.hang_up()
    site.wait_for_requests(2)
    assert site.asked[1].headers["last-event-id"] == "bbbbbbbb-1"
    ready(site, "bbbbbbbb-1", "bbbbbbbb-4")
    update(site, "bbbbbbbb-3", "b")
    update(site, "bbbbbbbb-4", "c", None)
    wait_for_state(page, "live")
    settled = wait_for_events(page, 6)[-1]
    assert settled["event"] == "settled"
    assert settled["named"] == ["update/a", "update/b"]


def test_a_reader_cut_on_its_way_doubts_a_log_that_may_have_lost_its_end(
    page: Page, site: LiveSite
) -> None:
    start(page, site, {"story/x": "aaaaaaaa-1"})
    ready(site, "aaaaaaaa-1", "aaaaaaaa-5")
    update(site, "aaaaaaaa-3", "a")
    wait_for_events(page, 2)
    site.hang_up()
    site.wait_for_requests(2)
    ready(site, "aaaaaaaa-3", "aaaaaaaa-4")
    site.wait_for_requests(3)
    assert site.asked[2].headers["last-event-id"] == "0"
    ready(site, "aaaaaaaa-0", "aaaaaaaa-4")
    update(site, "aaaaaaaa-4", "b")
    wait_for_state(page, "live")
    settled = wait_for_events(page, 5)[-1]
    assert settled["event"] == "settled"
    assert settled["named"] == ["update/b"]


def test_the_floor_takes_keys_away(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0"})
    ready(site, "0", "aaaaaaaa-2")
    update(site, "aaaaaaaa-1", "old")
    update(site, "aaaaaaaa-2", "new")
    site.event(
        "heartbeat",
        at="2026-11-22T20:00:00.000Z",
        channels={"story/x": {"top": "aaaaaaaa-2", "floor": 1, "readers": 3}},
    )
    trimmed = wait_for_events(page, 5)[3]
    assert (trimmed["event"], trimmed["keys"]) == ("trimmed", ["update/old"])


def test_a_server_that_waits_for_its_log_proves_nothing(
    page: Page, site: LiveSite
) -> None:
    start(page, site, {"story/x": "aaaaaaaa-1"})
    at = "2026-11-22T20:00:00.000Z"
    held = {"readers": 0, "stalled": True}
    site.event("heartbeat", at=at, channels={"story/x": held})
    wait_for_events(page, 1)
    assert page.evaluate("window.told.proof") is None
    assert page.evaluate("window.told.state") == "connecting"
    ready(site, "aaaaaaaa-1", "aaaaaaaa-1")
    wait_for_state(page, "live")
    assert page.evaluate("window.told.proof") > 0


def test_a_refusal_ends_it_and_says_why(page: Page, site: LiveSite) -> None:
    site.statuses.append(404)
    start(page, site, {"story/x": "0"})
    wait_for_state(page, "closed")
    assert page.evaluate("window.told.reason") == "http-404"


def test_trouble_of_the_server_is_tried_again(page: Page, site: LiveSite) -> None:
    site.statuses.extend([503, 429])
    start(page, site, {"story/x": "0"}, token="t0ken")
    site.wait_for_requests(2)
    page.evaluate("window.following.retry()")
    site.wait_for_requests(3)
    assert site.asked[2].headers["authorization"] == "Bearer t0ken"
    ready(site, "0", "0")
    wait_for_state(page, "live")


def test_the_server_may_close_for_good(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0"})
    site.event("close", reason="draining", reconnect=True)
    site.wait_for_requests(2)
    site.event("close", reason="revoked", reconnect=False)
    wait_for_state(page, "closed")
    assert page.evaluate("window.told.reason") == "revoked"


def test_one_refused_channel_leaves_the_others(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0", "story/y": "0"})
    ready(site, "0", "0")
    site.event("problem", channel="story/y", status=404, title="Unknown", detail="")
    wait_for_state(page, "live")
    site.hang_up()
    site.wait_for_requests(2)
    assert site.asked[1].query == "channel=story%2Fx"


def test_silence_is_not_believed(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0"}, heartbeat=60)
    ready(site, "0", "0")
    site.wait_for_requests(2)


def test_a_long_loss_is_stale(page: Page, site: LiveSite) -> None:
    site.statuses.extend([503] * 50)
    start(page, site, {"story/x": "0"}, staleAfter=50, heartbeat=60)
    wait_for_state(page, "stale")


def test_a_fault_of_the_page_does_not_cost_the_stream(
    page: Page, site: LiveSite
) -> None:
    page.goto("/blank")
    page.evaluate(
        """async () => {
          const { follow } = await import("/static/livewire.js");
          window.seen = 0;
          addEventListener("error", (event) => event.preventDefault());
          window.following = follow({ "story/x": "0" }, {
            onEvent: () => {
              window.seen += 1;
              throw new RangeError("the page's own");
            },
            onState: (told) => (window.told = told),
          });
        }"""
    )
    site.wait_for_requests(1)
    ready(site, "0", "aaaaaaaa-1")
    update(site, "aaaaaaaa-1", "a")
    wait_for_state(page, "live")
    assert page.evaluate("window.seen") == 2


def test_closing_closes(page: Page, site: LiveSite) -> None:
    start(page, site, {"story/x": "0"})
    ready(site, "0", "0")
    wait_for_state(page, "live")
    page.evaluate("window.following.close()")
    assert page.evaluate("[window.told.state, window.told.reason]") == ["closed", None]

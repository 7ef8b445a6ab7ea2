import pytest

from channels.redis.memory import KEPT, Memory
from tests.channels.redis.samples import batch, part


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Memory:
    return Memory(clock)


def test_a_minute_is_remembered_in_order(memory: Memory, clock: Clock) -> None:
    kept = [batch(seq, part("a", top=seq)) for seq in range(1, 4)]
    for each in kept:
        memory.keep(each)
        clock.now += KEPT / 3
    assert memory.recent() == kept
    clock.now += 0.001
    assert memory.recent() == kept[1:]
    clock.now += KEPT
    assert memory.recent() == []


def test_so_many_bytes_are_remembered(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [batch(seq, part("a", top=seq)) for seq in range(1, 8)]
    size = len(kept[0].parts[0].bodies[0])
    monkeypatch.setattr("channels.redis.memory._MOST", 4 * size + size // 2)
    for each in kept:
        memory.keep(each)
    assert memory.recent() == kept[3:]
    memory.drop(kept[3:5])
    memory.keep(batch(8, part("a", top=8)))
    memory.keep(batch(9, part("a", top=9)))
    assert [each.position.seq for each in memory.recent()] == [6, 7, 8, 9]


def test_what_comes_twice_is_remembered_once(memory: Memory) -> None:
    for _ in range(3):
        memory.keep(batch(1, part("a", top=1)))
    assert len(memory.recent()) == 1
    memory.drop(memory.recent())
    assert memory.recent() == []


@pytest.mark.parametrize("late", [False, True])
def test_a_purge_takes_the_text_whenever_it_comes(memory: Memory, late: bool) -> None:
    text, purge = batch(1, part("a", "b", top=2)), batch(2, part(top=2, removed=(1,)))
    # The writer remembers its purge before the word of what it purges has come.
    for each in (purge, text, purge) if late else (text, purge):
        memory.keep(each)
    held = {each.position.seq: each for each in memory.recent()}
    assert held[1].parts[0].bodies == (b"", text.parts[0].bodies[1])


def test_a_purge_of_another_channel_takes_nothing(memory: Memory) -> None:
    text = batch(1, part("a", top=1))
    memory.keep(text)
    memory.keep(batch(2, part(top=1, channel="latest", removed=(1,))))
    assert memory.recent()[0] == text


def test_what_is_settled_is_dropped_though_it_was_purged_meanwhile(
    memory: Memory,
) -> None:
    text = batch(1, part("a", top=1))
    memory.keep(text)
    memory.keep(batch(2, part(top=1, removed=(1,))))
    memory.drop([text])
    assert [each.position.seq for each in memory.recent()] == [2]

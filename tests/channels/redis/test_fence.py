from channels.positions import Epoch, Extent, Position
from channels.redis.fence import in_order, look, missing
from tests.channels.redis.samples import SITE, batch, part

OLD, NEW = "oldoldol", "newnewne"


def test_each_batch_once_in_the_order_it_was_appended_in() -> None:
    old = [batch(seq, count=1, epoch=OLD) for seq in (8, 9)]
    new = [batch(seq, count=2, epoch=NEW) for seq in (5, 6)]
    assert in_order([new[1], old[1], new[0], old[0], old[1]]) == [*old, *new]


def test_what_a_log_that_lost_its_tail_lacks() -> None:
    kept = [batch(seq, part("a", top=seq)) for seq in range(1, 6)]
    extent = Extent((Epoch(SITE, 1),), 3, 0)
    assert missing(kept, extent, "") == kept[3:]
    assert missing(kept, Extent(), "") == kept
    # Its numbers were given again, in another life.
    extent = Extent((Epoch(SITE, 1), Epoch(NEW, 4)), 9, 0)
    assert missing(kept, extent, "") == kept[3:]


def test_nothing_from_before_an_intended_restore_is_missing() -> None:
    kept = [batch(1, life="one"), batch(2, life="two")]
    assert missing(kept, Extent(), "two") == kept[1:]


def test_a_look_is_read() -> None:
    site = [b"run:repl", b"run:repl", b"oldoldol@1,newnewne@7,", b"9", b"life", b"2"]
    seen = look([*site, b"77", [b"aaaaaaaa@1,", b"4", b"1"], [b"", b"0", b"0"]])
    assert (seen.guard, seen.healed, seen.is_healed) == ("run:repl", "run:repl", True)
    assert seen.extent == Extent((Epoch(OLD, 1), Epoch(NEW, 7)), 9, 0)
    assert (seen.life, seen.count, seen.uptime) == ("life", 2, 77)
    assert seen.tops == (Extent((Epoch("aaaaaaaa", 1),), 4, 1), Extent())
    assert seen.has(batch(6, epoch=OLD))
    assert not seen.has(batch(7, epoch=OLD))
    assert seen.has(batch(9, epoch=NEW))
    assert not seen.has(batch(10, epoch=NEW))


def test_a_site_nobody_opened_is_not_healed() -> None:
    seen = look([b"run:repl", b"", b"", b"0", b"", b"0", b"1"])
    assert not seen.is_healed
    assert seen.extent.end == Position("", 0)

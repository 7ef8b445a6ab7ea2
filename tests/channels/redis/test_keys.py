from redis.crc import key_slot

from channels.redis.keys import Keys


def test_all_keys_of_a_site_are_in_one_slot_and_no_two_are_the_same() -> None:
    keys = Keys("desk.1")
    names = [keys.site, keys.batches, keys.signals, keys.records, *keys.leases]
    for name in ("a", "story/night"):
        names += [keys.meta(name), keys.log(name), keys.record + name]
    assert {key_slot(name.encode()) for name in names} == {key_slot(b"desk.1")}
    assert len(set(names)) == len(names)
    assert all(name.startswith("{desk.1}:") for name in names)

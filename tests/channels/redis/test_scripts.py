"""A user of the ACL needs what the scripts and the worker ask for, and no more."""

import re
from importlib.resources import files

from tests.contracts.test_redis import LEAST

ASKED = {
    *("ping", "select", "eval", "evalsha", "publish", "subscribe", "wait"),
    *("hmget", "info", "time", "pubsub|numsub", "config|get", "bgrewriteaof"),
}
"""What is asked outside of the scripts."""


def test_the_least_a_user_needs_is_what_is_asked() -> None:
    scripts = [
        each.read_text()
        for each in files("channels.redis").iterdir()
        if each.name.endswith(".lua")
    ]
    called = re.findall(r"redis\.call\('(\w+)'", "\n".join(scripts))
    inside = {{"XINFO": "xinfo|stream"}.get(each, each.lower()) for each in called}
    given = set(LEAST.replace("+", "").split()) - {"-@all"}
    assert given == inside | ASKED

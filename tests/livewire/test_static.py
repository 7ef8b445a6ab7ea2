"""The scripts of the pages: typed, small, and kept as long as they are the same."""

import gzip
import subprocess
from pathlib import Path

from tests.serving import Service

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "livewire" / "static"
CLIENT = ("livewire.js", "channel.js", "event-stream.js")
STRICT = [
    *("--noEmit", "--strict", "--allowJs", "--checkJs"),
    *("--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"),
    *("--lib", "es2023,dom,dom.iterable,dom.asynciterable"),
]


def test_every_script_is_typed() -> None:
    scripts = [str(file) for file in sorted(STATIC.glob("*.js"))]
    tsc = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        ["node", str(tsc), *STRICT, *scripts], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_client_is_under_six_kilobytes() -> None:
    text = b"".join((STATIC / name).read_bytes() for name in CLIENT)
    assert len(gzip.compress(text)) < 6 * 1024


async def test_a_file_asked_for_by_build_is_kept_for_ever(service: Service) -> None:
    built = await service.http.get("/static/reader.css?v=1")
    plain = await service.http.get(
        "/static/livewire.js", headers={"Origin": "http://x"}
    )
    assert "immutable" in built.headers["cache-control"]
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.headers["access-control-allow-origin"] == "*"
    again = {"If-None-Match": plain.headers["etag"]}
    unchanged = await service.http.get("/static/livewire.js", headers=again)
    assert unchanged.status_code == 304

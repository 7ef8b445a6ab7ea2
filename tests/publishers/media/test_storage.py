import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import StorageFull
from publishers.media.images import Image
from publishers.media.storage import (
    UUID,
    Description,
    DiskMedia,
    MediaStorage,
    Rendition,
)

ID = "0192f3a4-5b6c-7d8e-9f00-112233445566"
PICTURE = Image(
    width=2400,
    height=1200,
    type="image/jpeg",
    renditions={640: b"the middle one", 320: b"the small one"},
)
LOGO = Image(width=40, height=20, type="image/png", renditions={40: b"a logo"})
WRONG_IDS = [
    "",
    "x",
    "..",
    "../../etc/passwd",
    f"../{ID}",
    f"{ID}/..",
    f"{ID}\n",
    f"{ID}\x00",
    f" {ID}",
    ID.upper(),
    ID.replace("-", ""),
    ID.replace("0", "٠"),
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
]


@pytest.fixture
def media(tmp_path: Path) -> DiskMedia:
    return DiskMedia(tmp_path / "not" / "yet" / "there")


def files(media: DiskMedia) -> list[str]:
    """Every path below the folder, hidden and empty ones too."""
    return sorted(str(p.relative_to(media.folder)) for p in media.folder.rglob("*"))


def test_the_disk_fulfils_the_contract(media: DiskMedia) -> None:
    storage: MediaStorage = media
    storage.save(ID, PICTURE)
    assert storage.load(ID, 320) == Rendition("image/jpeg", b"the small one")
    assert storage.load(ID, 640) == Rendition("image/jpeg", b"the middle one")
    assert storage.describe(ID) == Description(2400, 1200, "image/jpeg", (320, 640))


def test_the_layout_is_the_documented_one_and_nothing_is_left_beside_it(
    media: DiskMedia,
) -> None:
    media.save(ID, PICTURE)
    names = ("", "/320.jpg", "/640.jpg", "/image.json")
    assert files(media) == ["01", *(f"01/{ID}{name}" for name in names)]


def test_a_png_is_kept_as_one(media: DiskMedia) -> None:
    media.save(ID, LOGO)
    assert f"01/{ID}/40.png" in files(media)
    assert media.load(ID, 40) == Rendition("image/png", b"a logo")


def test_an_id_nobody_saved_is_unknown(media: DiskMedia) -> None:
    assert media.load(ID, 320) is None
    assert media.describe(ID) is None


@pytest.mark.parametrize("width", [0, -320, 321, 2400, 10**30])
def test_a_width_that_was_not_made_is_unknown(media: DiskMedia, width: int) -> None:
    media.save(ID, PICTURE)
    assert media.load(ID, width) is None


@pytest.mark.parametrize("wrong", WRONG_IDS)
def test_a_wrong_id_is_unknown_and_never_written(media: DiskMedia, wrong: str) -> None:
    assert media.load(wrong, 320) is None
    assert media.describe(wrong) is None
    with pytest.raises(ValueError, match="not a UUID"):
        media.save(wrong, PICTURE)
    assert not media.folder.exists()


def test_no_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside = DiskMedia(tmp_path / "outside")
    outside.save(ID, PICTURE)
    inside = DiskMedia(tmp_path / "inside")
    inside.save(ID, LOGO)
    for wrong in (f"../outside/01/{ID}", f"../../outside/01/{ID}"):
        assert inside.load(wrong, 320) is None
        assert inside.describe(wrong) is None


@given(wrong=st.text().filter(lambda text: not UUID.fullmatch(text)))
def test_no_other_text_is_an_id(wrong: str) -> None:
    media = DiskMedia(Path("nowhere"))
    assert media.load(wrong, 320) is None
    assert media.describe(wrong) is None


def test_saving_an_id_twice_changes_nothing(media: DiskMedia) -> None:
    media.save(ID, PICTURE)
    media.save(ID, LOGO)
    assert media.describe(ID) == Description(2400, 1200, "image/jpeg", (320, 640))
    assert media.load(ID, 40) is None


def test_saves_of_one_id_at_once_leave_one_whole_picture(media: DiskMedia) -> None:
    savers = 8
    together = Barrier(savers)

    def save(number: int) -> None:
        renditions = {320: b"%d" % number * 1000, 640: b"%d" % number * 2000}
        together.wait()
        media.save(ID, Image(640, 480, "image/jpeg", renditions))

    with ThreadPoolExecutor(savers) as pool:
        list(pool.map(save, range(savers)))

    small, large = media.load(ID, 320), media.load(ID, 640)
    assert small is not None
    assert large is not None
    assert small.content * 2 == large.content
    assert len(files(media)) == 5


def test_a_full_disk_is_said_and_leaves_nothing(
    media: DiskMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFull) as caught:
            media.save(ID, PICTURE)
    assert caught.value.status == 507
    assert files(media) == ["01"]
    assert media.describe(ID) is None

    media.save(ID, PICTURE)
    assert media.load(ID, 320) == Rendition("image/jpeg", b"the small one")


def test_another_failure_of_the_disk_is_not_called_full(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        DiskMedia(blocked / "media").save(ID, PICTURE)

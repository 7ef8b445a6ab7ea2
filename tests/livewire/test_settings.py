"""What the service is told of itself: known names, sane values, or no start."""

import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from livewire.app import now
from livewire.settings import BadSettings, load
from tests.serving import SECRET, running


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_beats_the_file_and_what_is_given_beats_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "livewire.toml").write_text('site_name = "File"\nport = 1\nretry = 200')
    monkeypatch.setenv("LIVEWIRE_PORT", "2")
    monkeypatch.setenv("LIVEWIRE_RETRY", "300")
    settings = load({"retry": 400})
    assert (settings.site_name, settings.port, settings.retry) == ("File", 2, 400)


def test_what_has_structure_comes_from_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "desk.toml"
    file.write_text('[sections]\nsport = "Sport"\n[roles]\nstringer = ["submit:*"]\n')
    monkeypatch.setenv("LIVEWIRE_CONFIG", str(file))
    settings = load()
    assert settings.sections == {"sport": "Sport"}
    assert settings.roles == {"stringer": ("submit:*",)}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LIVEWIRE_HEARTBEET", "15", "LIVEWIRE_HEARTBEET"),
        ("LIVEWIRE_HEARTBEAT", "soon", "heartbeat"),
        ("LIVEWIRE_HEARTBEAT", "60", "heartbeat"),
        ("LIVEWIRE_PORT", "70000", "port"),
        ("LIVEWIRE_SECTIONS", "{}", "sections"),
        ("LIVEWIRE_SECTIONS", '{"Not a slug": "x"}', "Not a slug"),
        ("LIVEWIRE_ROLES", '{"x": ["own:*"]}', r"own:\*"),
        ("LIVEWIRE_CONFIG", "nowhere.toml", "nowhere.toml"),
        ("LIVEWIRE_MEDIA_WIDTHS", "[]", "media_widths: .*at least one"),
        ("LIVEWIRE_MEDIA_WIDTHS", "[320, 0]", "1 to 20000 pixels, not 0"),
        ("LIVEWIRE_MEDIA_WIDTHS", "[-320]", "1 to 20000 pixels, not -320"),
        ("LIVEWIRE_MEDIA_WIDTHS", "[20001]", "1 to 20000 pixels, not 20001"),
        ("LIVEWIRE_MEDIA_WIDTHS", "[320, 640, 320]", "media_widths: .*once"),
        ("LIVEWIRE_ORIGINS", "https://a.example b.example", "origins: .*'b.example'"),
        ("LIVEWIRE_ORIGINS", "https://a.example/", "origins: .*no address"),
        ("LIVEWIRE_ORIGINS", "https://a.example/desk", "origins: .*no address"),
        ("LIVEWIRE_ORIGINS", "*", "origins: .*no address"),
        ("LIVEWIRE_ORIGINS", "null", "origins: .*no address"),
        ("LIVEWIRE_TOKEN_KEYS", '{"k": {"algorithm": "none", "pem": ""}}', "algorithm"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=told):
        load()


@pytest.mark.parametrize(
    "address",
    [
        "live.example.org",
        "//live.example.org",
        "ftp://live.example.org",
        "https://",
        "https://ines@live.example.org",
        "https://ines:pass@live.example.org",
        "https://live.example.org/sub/",
        "https://live.example.org//",
        "https://live.example.org?a=b",
        "https://live.example.org/#top",
        "https://live.example.org:",
        "https://live.example.org:0",
        "https://live.example.org:70000",
        "https://live.example.org\n",
        "https://live example.org",
        "https://[::1",
        "https://[1:2]",
        "https://[127.0.0.1]",
        "https://münchen.example",
    ],
)
def test_an_address_is_an_origin_and_nothing_more(address: str) -> None:
    with pytest.raises(BadSettings, match="base_url"):
        load({"base_url": address})


@pytest.mark.parametrize("text", ["nonsense = 1", "port = ", "[sections"])
def test_a_file_with_a_fault_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "livewire.toml").write_text(text)
    with pytest.raises(BadSettings):
        load()


def test_on_loopback_a_secret_is_made_once_and_kept_from_others(
    tmp_path: Path,
) -> None:
    settings = load({"data_dir": tmp_path / "data"})
    secret = settings.signing_secret()
    file = tmp_path / "data" / "secret"
    assert len(secret) >= 32
    assert settings.signing_secret() == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("host", ["0.0.0.0", "desk.example", "::"])
def test_elsewhere_a_missing_secret_is_an_error(host: str) -> None:
    with pytest.raises(BadSettings, match="LIVEWIRE_SECRET"):
        load({"host": host}).signing_secret()


def test_a_short_secret_is_an_error() -> None:
    with pytest.raises(BadSettings, match="32"):
        load({"secret": "short"}).signing_secret()


@pytest.mark.parametrize(
    ("given", "address", "secure"),
    [
        ({}, "http://127.0.0.1:8000", False),
        ({"port": 9}, "http://127.0.0.1:9", False),
        ({"base_url": ""}, "http://127.0.0.1:8000", False),
        ({"base_url": "https://news.example/"}, "https://news.example", True),
        ({"base_url": "HTTPS://News.Example:443"}, "https://news.example", True),
        ({"base_url": "http://news.example:8080"}, "http://news.example:8080", False),
        ({"base_url": "http://my_desk-1:80/"}, "http://my_desk-1", False),
        ({"base_url": "http://[::1]:8000"}, "http://[::1]:8000", False),
    ],
)
def test_the_address_is_what_readers_use(
    given: dict[str, object], address: str, secure: bool
) -> None:
    settings = load(given)
    assert (settings.address, settings.is_secure) == (address, secure)


def test_origins_are_separated_by_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEWIRE_ORIGINS", "https://a.example https://b.example")
    assert load().origins == ("https://a.example", "https://b.example")


def test_origins_are_kept_as_browsers_send_them() -> None:
    given = ("https://Desk.example:443", "http://[::1]:8000")
    assert load({"origins": given}).origins == (
        "https://desk.example",
        "http://[::1]:8000",
    )


async def test_a_token_of_a_configured_key_is_taken_for_the_api_alone(
    tmp_path: Path,
) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keys = {"cms": {"algorithm": "EdDSA", "pem": pem}}

    def signed(use: str, kid: str = "cms", **more: str) -> str:
        claims = {"iss": "livewire", "sub": "cms", "scope": "publish:*", **more}
        claims |= {"aud": f"livewire/{use}"}
        expiry = {"exp": int(now().timestamp()) + 60}
        return jwt.encode(claims | expiry, key, "EdDSA", headers={"kid": kid})

    async with running(tmp_path / "data", token_keys=keys) as service:
        body = {"slug": "night", "headline": "Night"}
        statuses = []
        for token in (
            signed("api", kid="other"),
            signed("api", iss="somebody"),
            signed("session"),
            jwt.encode({}, SECRET, "HS256", headers={"kid": "cms"}),
            signed("api"),
        ):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await service.http.post("/api/stories", json=body, headers=headers)
            statuses.append(answer.status_code)
        service.http.cookies.set("livewire_newsroom", signed("session"))
        desk = await service.http.get("/newsroom")
    assert statuses == [401, 401, 401, 401, 201]
    assert "Sign out" not in desk.text

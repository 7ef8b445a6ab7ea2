"""Every knob of the service, once: its name, unit, default and variable.

Scalars come from the environment (`LIVEWIRE_<NAME>`), what has structure from a TOML
file (`LIVEWIRE_CONFIG`, or `livewire.toml` where the service starts); the environment
wins. A name nobody knows is an error: a typing mistake must not become a default.
"""

import os
import re
import secrets
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from channels.events import SLUG
from publishers.permissions import ROLES, expand
from publishers.tokens import SHORTEST_SECRET, PublicKey

PREFIX = "LIVEWIRE_"
CONFIG = "LIVEWIRE_CONFIG"
CLIENT = frozenset({CONFIG, "LIVEWIRE_URL", "LIVEWIRE_TOKEN"})
"""Variables that commands read and the service does not."""

WIDEST = 20_000
"""Pixels; no rendition of a picture is wider."""

SECTIONS = {
    "electoral-processes": "Electoral Processes",
    "international-relations": "International Relations",
    "domestic-policies": "Domestic Policies",
    "economic-developments": "Economic Developments",
    "legislative-updates": "Legislative Updates",
}


_ORIGIN = re.compile(
    r"(https?)://([a-z0-9_]([a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    re.IGNORECASE | re.ASCII,
)
_USUAL_PORT = {"http": 80, "https": 443}


class BadSettings(Exception):
    """The service cannot start as configured; the text says which line to change."""


def origin(text: str) -> str:
    """The origin `text` names, as browsers send it (RFC 6454, section 6.2).

    That is scheme://host[:port] in small letters, without the scheme's usual port.
    Raises `ValueError` where it is anything else, or has anything more.
    """
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no address, as https://live.example.org")
    parts = urlsplit(text.lower())
    host = found[2].lower()
    if host.startswith("["):
        IPv6Address(host[1:-1])
    if parts.port == 0:
        raise ValueError(f"{text!r} names port 0, where nobody can be reached")
    if parts.port in (None, _USUAL_PORT[parts.scheme]):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


class Settings(BaseSettings):
    """The configuration of one service; frozen, and passed on as plain values."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = "127.0.0.1"  # address to listen on
    port: int = Field(8000, ge=0, le=65535)  # TCP port; 0 takes a free one
    base_url: str = ""  # how readers reach the site; default http://HOST:PORT
    redis_url: str = ""  # where the log is; empty: a SQLite file in data_dir
    redis_prefix: str = Field("livewire", pattern=r"^[A-Za-z0-9_.-]{1,64}$")  # of keys
    redis_timeout: float = Field(2, gt=0)  # seconds an answer of Redis may take
    redis_wait: int = Field(0, ge=0)  # replicas that have an append before its answer
    redis_wait_ms: int = Field(250, ge=1)  # milliseconds to wait for them
    redis_accept_loss: bool = False  # start though acknowledged updates can be lost
    cut_off: float = Field(600, gt=0)  # seconds without the log until text is withheld
    data_dir: Path = Path("data")  # log, media and, on loopback, the secret
    secret: str = ""  # signs tokens; 32 bytes or more
    site_name: str = "Livewire"
    language: str = "en"  # of the site's own words
    sections: dict[str, str] = SECTIONS  # slug to title, in the site's order
    roles: dict[str, tuple[str, ...]] = dict(ROLES)  # role to scopes
    origins: Annotated[tuple[str, ...], NoDecode] = ()  # further origins of the desk
    token_issuer: str = "livewire"  # noqa: S105 - a name, not a secret
    token_audience: str = "livewire"  # noqa: S105 - a name, not a secret
    token_keys: dict[str, PublicKey] = {}  # `kid` to who else signs tokens
    session_hours: float = Field(16, gt=0)  # how long a sign-in lasts
    heartbeat: int = Field(15, ge=1, le=25)  # seconds between heartbeats
    stall: float = Field(60, gt=0)  # seconds a reader may take nothing
    retry: int = Field(3000, ge=100)  # milliseconds, about which reconnects spread
    high_water: int = Field(65_536, ge=4096)  # bytes on their way to one reader
    idle: float = Field(60, gt=0)  # seconds an unwanted channel stays in memory
    bound: int = Field(2_000, ge=10)  # numbers kept of section/..., breaking, latest
    breaking_minutes: float = Field(45, gt=0)  # how long an alert is breaking
    max_body: int = Field(262_144, ge=1024)  # bytes of a JSON body
    max_upload: int = Field(20_971_520, ge=1024)  # bytes of a picture
    max_pixels: int = Field(50_000_000, ge=1000)  # width times height of a picture
    media_widths: tuple[int, ...] = (320, 640, 960, 1280, 1920)  # pixels
    body_deadline: float = Field(10, gt=0)  # seconds for a body to arrive
    drain: float = Field(5, ge=0)  # seconds for streams to end before the process does

    @field_validator("origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        return origin(value.removesuffix("/")) if value else value

    @field_validator("origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin(each) for each in value)

    @field_validator("media_widths")
    @classmethod
    def _widths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("name at least one width")
        wrong = [width for width in value if not 1 <= width <= WIDEST]
        if wrong:
            raise ValueError(f"a width is 1 to {WIDEST} pixels, not {wrong[0]}")
        if len(set(value)) < len(value):
            raise ValueError("each width is named once")
        return value

    @field_validator("sections")
    @classmethod
    def _some(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError("name at least one section")
        wrong = [slug for slug in value if SLUG.fullmatch(slug) is None]
        if wrong:
            raise ValueError(f"not a slug: {', '.join(wrong)}")
        return value

    @field_validator("roles")
    @classmethod
    def _known(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for scopes in value.values():
            expand(scopes, {})
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        file = Path(os.environ.get(CONFIG, "livewire.toml"))
        toml = TomlConfigSettingsSource(settings_cls, toml_file=file)
        return init_settings, env_settings, toml

    @property
    def address(self) -> str:
        """The site's address, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether readers reach the site by TLS."""
        return urlsplit(self.address).scheme == "https"

    def signing_secret(self) -> bytes:
        """The secret; on loopback one is made and kept in the data directory.

        Raises `BadSettings` where it is missing or short.
        """
        if self.secret:
            secret = self.secret.encode()
            if len(secret) < SHORTEST_SECRET:
                raise BadSettings(
                    f"LIVEWIRE_SECRET has {len(secret)} bytes; it needs"
                    f" {SHORTEST_SECRET} or more."
                )
            return secret
        if not is_loopback(self.host):
            raise BadSettings(
                f"LIVEWIRE_SECRET is not set, and {self.host} can be reached from"
                " elsewhere. Set it to 32 random bytes or more."
            )
        return _kept_secret(self.data_dir / "secret")


def load(given: Mapping[str, object] | None = None) -> Settings:
    """The settings of this process; what is `given` beats environment and file.

    Raises `BadSettings` naming every fault.
    """
    names = {PREFIX + name.upper() for name in Settings.model_fields} | CLIENT
    unknown = sorted(n for n in os.environ if n.startswith(PREFIX) and n not in names)
    if unknown:
        raise BadSettings(f"There is no setting {', '.join(unknown)}.")
    file = Path(os.environ.get(CONFIG, "livewire.toml"))
    if CONFIG in os.environ and not file.is_file():
        raise BadSettings(f"{CONFIG} names {file}, which is not there.")
    try:
        return Settings.model_validate(given or {})
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise BadSettings("; ".join(faults)) from error
    except ValueError as error:  # the file is not TOML
        raise BadSettings(f"{file}: {error}") from error


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine and can be reached from nowhere else."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _kept_secret(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(48))
    return file.read_text().strip().encode()

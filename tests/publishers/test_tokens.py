"""publishers/tokens.py: who may ask is who could sign (RFC 7519, RFC 8725)."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from channels.errors import NotSignedIn
from publishers.tokens import Keyring, PublicKey

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = datetime.now(UTC)

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PRIVATE_PEM = PRIVATE.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
).decode()
PUBLIC_PEM = (
    PRIVATE.public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)

KEYRING = Keyring(
    SECRET, "livewire", "livewire", {"agency": PublicKey("ES256", PUBLIC_PEM)}
)


def claims(**other: object) -> dict[str, Any]:
    known: dict[str, Any] = {
        "iss": "livewire",
        "aud": "livewire/api",
        "sub": "ines",
        "scope": "publish:* follow:*",
        "exp": NOW + timedelta(hours=1),
    }
    return {k: v for k, v in (known | other).items() if v is not ...}


def signed(headers: dict[str, object] | None = None, **other: object) -> str:
    return jwt.encode(claims(**other), SECRET, algorithm="HS256", headers=headers)


def raw(header: bytes, payload: bytes = b"{}", *, secret: bytes = SECRET) -> str:
    """A token of any bytes, with a signature that is right."""
    head = b".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload)
    )
    signature = hmac.digest(secret, head, "sha256")
    tail = base64.urlsafe_b64encode(signature).rstrip(b"=")
    return (head + b"." + tail).decode()


def test_a_token_says_who_somebody_is_and_what_they_may_do() -> None:
    token = KEYRING.sign(
        "ines",
        {"publish:*", "follow:*"},
        now=NOW,
        lifetime=timedelta(hours=1),
        id_="one",
    )
    grant = KEYRING.grant(token)
    assert grant.subject == "ines"
    assert grant.scopes == {"publish:*", "follow:*"}
    assert KEYRING.read(token)["jti"] == "one"


def test_what_is_no_scope_of_ours_grants_nothing() -> None:
    assert KEYRING.grant(signed(scope="openid publish:* read")).scopes == {"publish:*"}
    assert KEYRING.grant(signed(scope=...)).scopes == frozenset()


def test_a_token_for_one_use_is_none_for_another() -> None:
    token = KEYRING.sign(
        "ines", {"follow:*"}, now=NOW, lifetime=timedelta(1), id_="1", use="session"
    )
    assert KEYRING.grant(token, use="session").subject == "ines"
    with pytest.raises(NotSignedIn):
        KEYRING.grant(token)


def test_a_public_key_signs_with_its_own_algorithm() -> None:
    token = jwt.encode(
        claims(), PRIVATE_PEM, algorithm="ES256", headers={"kid": "agency"}
    )
    assert KEYRING.grant(token).subject == "ines"


FORGERIES = {
    "nothing": "",
    "a word": "token",
    "two dots": "..",
    "no ASCII": "ü.ü.ü",
    "another secret": jwt.encode(claims(), SECRET[::-1], algorithm="HS256"),
    "expired": signed(exp=NOW - timedelta(seconds=1)),
    "not yet": signed(nbf=NOW + timedelta(hours=1)),
    "no end": signed(exp=...),
    "no subject": signed(sub=...),
    "nobody": signed(sub=""),
    "a number for a subject": raw(
        b'{"alg":"HS256","typ":"JWT"}',
        json.dumps(claims(exp=4e9, sub=7)).encode(),
    ),
    "no audience": signed(aud=...),
    "another audience": signed(aud="elsewhere/api"),
    "another issuer": signed(iss="elsewhere"),
    "no issuer": signed(iss=...),
    "alg none": jwt.encode(claims(), "", algorithm="none"),
    "alg HS384": jwt.encode(claims(), SECRET * 2, algorithm="HS384"),
    "HMAC with a public key": raw(
        b'{"alg":"HS256","kid":"agency"}',
        json.dumps(claims(exp=4e9)).encode(),
        secret=PUBLIC_PEM.encode(),
    ),
    "our secret under another's name": signed({"kid": "agency"}),
    "a key nobody has": signed({"kid": "../../etc/passwd"}),
    "an unknown extension": signed({"crit": ["exp2"], "exp2": 1}),
    "a list for an end": raw(b'{"alg":"HS256"}', json.dumps(claims(exp=[1])).encode()),
    "an end without end": raw(
        b'{"alg":"HS256"}',
        json.dumps(claims(exp=1)).replace('"exp": 1', '"exp": 1e999').encode(),
    ),
    "brackets upon brackets": raw(b"[" * 5000),
    "a payload of brackets": raw(b'{"alg":"HS256"}', b"[" * 5000),
    "a header that is a list": raw(b"[]"),
    "too long": signed(scope="follow:* " * 5000),
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES.keys())
def test_every_refusal_reads_the_same(token: str) -> None:
    with pytest.raises(NotSignedIn) as refused:
        KEYRING.grant(token)
    assert refused.value.detail == "The token is not valid."
    assert refused.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def test_an_address_in_the_header_is_not_followed() -> None:
    token = signed({"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"})
    assert KEYRING.grant(token).subject == "ines"


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(b"short", "livewire", "livewire")

"""Tokens: JWTs that say who somebody is and what they may do (RFC 7519, RFC 8725).

The law: the key decides the algorithm, never the token. Every refusal reads the same,
so that a forger learns nothing from it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import jwt

from channels.errors import NotSignedIn
from publishers.permissions import Grant, is_scope

SHORTEST_SECRET = 32
LONGEST_TOKEN = 8192  # bytes; a token of ours is under one kilobyte
_REQUIRED = ["exp", "aud", "iss", "sub"]
_UNREADABLE = (
    jwt.PyJWTError,
    KeyError,  # a `kid` nobody has
    ValueError,
    TypeError,  # claims of a wrong type, in tokens that others signed
    OverflowError,
    RecursionError,  # brackets upon brackets, before any signature is looked at
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of somebody who signs tokens for us: PEM, and its one algorithm."""

    algorithm: Literal["RS256", "ES256", "EdDSA"]
    pem: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """Our secret (32 bytes or more), and others' public keys by `kid`."""

    secret: bytes
    issuer: str
    audience: str
    keys: Mapping[str, PublicKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise ValueError(f"the secret needs {SHORTEST_SECRET} bytes or more")

    def sign(
        self,
        subject: str,
        scopes: Collection[str],
        *,
        now: datetime,
        lifetime: timedelta,
        id_: str,
        use: str = "api",
    ) -> str:
        """A token for `subject`. `use` keeps tokens, sessions and links apart."""
        claims = {
            "iss": self.issuer,
            "aud": f"{self.audience}/{use}",
            "sub": subject,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + lifetime,
            "jti": id_,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def read(self, token: str, *, use: str = "api") -> Mapping[str, object]:
        """The verified claims. Raises `NotSignedIn`."""
        refusal = NotSignedIn("The token is not valid.", sent=True)
        if len(token) > LONGEST_TOKEN:
            raise refusal
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key, algorithm = self._key(kid, use)
            claims: Mapping[str, object] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=f"{self.audience}/{use}",
                issuer=self.issuer,
                # A worker whose clock is behind takes a token that is newer than now.
                options={"require": _REQUIRED, "verify_iat": False},
            )
        except _UNREADABLE as error:
            raise refusal from error
        if not claims["sub"]:
            raise refusal  # nobody's name stands for readers without a token
        return claims

    def grant(self, token: str, *, use: str = "api") -> Grant:
        """What the token allows. Raises `NotSignedIn`."""
        claims = self.read(token, use=use)
        scopes = str(claims.get("scope", "")).split()
        return Grant(str(claims["sub"]), frozenset(filter(is_scope, scopes)))

    def _key(self, kid: object, use: str) -> tuple[bytes | str, str]:
        if kid is None:
            return self.secret, "HS256"
        if use != "api":
            raise KeyError(kid)  # nobody else lets people into the newsroom
        key = self.keys[str(kid)]
        return key.pem, key.algorithm

"""Tokens that must open nothing, each one step away from a real one.

Some are signed with the pool's own key: what Cognito signed for another purpose. The others are
what somebody without the key can make.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk

from infra.local.application import Application
from infra.local.moto_patches import cognito
from infra.local.stack import ACCOUNT

Json = dict[str, Any]


def packed(value: Any) -> str:
    """JSON (or bytes) as a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(part: str) -> Any:
    """The JSON of a part."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@dataclass
class Forger:
    """Somebody with a real token of their own (`token`), who wants to be more than they are.

    `other` is somebody else's subject; `access`, `refresh` belong to `token`'s session.
    """

    app: Application
    token: str
    access: str
    refresh: str
    other: str

    def __post_init__(self) -> None:
        self.head, self.body, self.signature = self.token.split(".")
        self.header, self.claims = unpacked(self.head), unpacked(self.body)
        pool = self.app.stack.resource("UserPool")
        self._pools = cognito.pool_of(pool, ACCOUNT, self.app.stack.region).json_web_key
        self._own = jwk.RSAKey.generate_key(2048, {"kid": self._pools.kid})
        self.public = self._pools.as_dict(private=False)
        self.pem = self._pools.public_key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def signed(self, key: Any = None, header: Mapping[str, Any] = {}, **claims: Any) -> str:
        """A token with some claims (None removes one) and header members of its own, RS256."""
        whole = {k: v for k, v in {**self.claims, **claims}.items() if v is not None}
        head = {k: v for k, v in {**self.header, **header}.items() if v is not None}
        return self._sign(packed(head), packed(whole), key or self._own)

    def genuine(self, **claims: Any) -> str:
        """The same with the pool's own signature."""
        return self.signed(self._pools, **claims)

    def raw(self, head: str, body: str) -> str:
        """Parts as they are, under the forger's own signature."""
        return self._sign(head, body, self._own)

    def keyed(self, secret: bytes, algorithm: str = "HS256") -> str:
        """Signed symmetrically, with a secret that is none."""
        signed = f"{packed({**self.header, 'alg': algorithm})}.{self.body}"
        digest = getattr(hashlib, f"sha{algorithm[2:]}")
        return f"{signed}.{packed(hmac.new(secret, signed.encode(), digest).digest())}"

    def unsigned(self, name: str) -> str:
        """Claims to be signed by nothing."""
        return f"{packed({**self.header, 'alg': name})}.{self.body}."

    def promoted(self, **claims: Any) -> str:
        """Real header and signature around other claims."""
        return f"{self.head}.{packed({**self.claims, **claims})}.{self.signature}"

    def _sign(self, head: str, body: str, key: Any) -> str:
        signature = key.private_key.sign(f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        return f"{head}.{body}.{packed(signature)}"


def forgeries(forger: Forger) -> dict[str, str]:
    """What goes into the Authorization header, by what is wrong with it."""
    now = int(time.time())
    made: dict[str, Callable[[], str]] = {
        "nothing": lambda: "",
        "a word": lambda: "admin",
        **{f"alg {n}": (lambda n=n: forger.unsigned(n)) for n in ("none", "None", "NONE", "nOnE")},
        "alg none with the real signature": lambda: f"{forger.unsigned('none')}{forger.signature}",
        "HS256 with the public key's PEM": lambda: forger.keyed(forger.pem),
        "HS256 with the public key's JWK": lambda: forger.keyed(json.dumps(forger.public).encode()),
        "HS256 with nothing": lambda: forger.keyed(b""),
        "HS512 with the public key's PEM": lambda: forger.keyed(forger.pem, "HS512"),
        "another key under the real kid": lambda: forger.signed(),
        "another issuer": lambda: forger.genuine(
            iss="https://cognito-idp.eu-central-1.amazonaws.com/x"
        ),
        "the issuer with more behind it": lambda: forger.genuine(iss=forger.claims["iss"] + "/"),
        "another client": lambda: forger.genuine(aud="0" * 26),
        "no client": lambda: forger.genuine(aud=None),
        "an access token": lambda: forger.access,
        "a refresh token": lambda: forger.refresh,
        "an id token that says access": lambda: forger.genuine(token_use="access"),
        "no use": lambda: forger.genuine(token_use=None),
        "expired": lambda: forger.genuine(exp=now - 1),
        "never expires": lambda: forger.genuine(exp=None),
        "expires as text": lambda: forger.genuine(exp="never"),
        "not yet valid": lambda: forger.genuine(nbf=now + 3600),
        "issued in the future": lambda: forger.genuine(iat=now + 3600),
        "without a subject": lambda: forger.genuine(sub=None),
        **{
            f"kid {kid!r}": (lambda kid=kid: forger.signed(header={"kid": kid}))
            for kid in (
                None,
                "",
                "unknown",
                "../../../../dev/null",
                "' OR '1'='1",
                "x'; DROP TABLE keys; --",
                "https://attacker.example/key",
                "/etc/passwd\u0000",
                0,
                ["a"],
            )
        },
        "a key of its own (jwk)": lambda: forger.signed(
            header={"jwk": forger._own.as_dict(private=False)}
        ),
        "a key from elsewhere (jku)": lambda: forger.signed(
            header={"jku": "https://attacker.example/jwks.json"}
        ),
        "a certificate from elsewhere (x5u)": lambda: forger.signed(
            header={"x5u": "https://attacker.example/cert.pem"}
        ),
        "a certificate of its own (x5c)": lambda: forger.signed(header={"x5c": ["MIIB"]}),
        "an extension nobody knows (crit)": lambda: forger.signed(header={"crit": ["x"], "x": 1}),
        "no signature": lambda: f"{forger.head}.{forger.body}.",
        "two parts": lambda: f"{forger.head}.{forger.body}",
        "cut off": lambda: forger.token[:-8],
        "one part more": lambda: f"{forger.token}.{forger.signature}",
        "empty parts": lambda: "..",
        "encrypted, they say": lambda: ".".join(
            [packed({"alg": "dir", "enc": "A256GCM"}), "", "a", "b", "c"]
        ),
        "a space inside": lambda: forger.token.replace(".", ". ", 1),
        "a space behind": lambda: f"Bearer {forger.token} ",
        "a tab before": lambda: f"Bearer \t{forger.token}",
        "a no-break space": lambda: f"Bearer\u00a0{forger.token}",
        "full-width letters": lambda: forger.token.translate({ord("e"): 0xFF45}),
        "an unseen character": lambda: f"{forger.token}\u200b",
        "padded": lambda: f"{forger.token}==",
        "the other base64": lambda: "+/".join(forger.token.rsplit(forger.signature[3:5], 1)),
        "noise in the signature": lambda: f"{forger.head}.{forger.body}.!{forger.signature}",
        "the signature's spare bits": lambda: _spare_bits(forger),
        "a claim twice": lambda: forger.raw(
            forger.head,
            packed(
                json.dumps(forger.claims)[:-1].encode()
                + b', "sub": "'
                + forger.other.encode()
                + b'"}'
            ),
        ),
        "a claim twice under the real signature": lambda: (
            f"{forger.head}."
            + packed(json.dumps(forger.claims)[:-1].encode() + b', "cognito:groups": ["admin"]}')
            + f".{forger.signature}"
        ),
        "huge": lambda: forger.signed(filler="x" * 200_000),
        "promoted to admin": lambda: forger.promoted(**{"cognito:groups": ["admin"]}),
        "promoted under its own key": lambda: forger.signed(**{"cognito:groups": ["admin"]}),
        "somebody else": lambda: forger.promoted(sub=forger.other),
        "the payload is no object": lambda: forger.raw(forger.head, packed([1])),
        "the header is no object": lambda: forger.raw(packed("x"), forger.body),
        "no JSON": lambda: forger.raw(packed(b"\xff{"), packed(b"}")),
        "Bearer twice": lambda: f"Bearer Bearer {forger.token}",
        "bearer in small letters": lambda: f"bearer {forger.token}",
        "Basic": lambda: f"Basic {forger.token}",
        "two tokens": lambda: f"Bearer {forger.token}, Bearer {forger.token}",
        "quoted": lambda: f'Bearer "{forger.token}"',
    }
    return {name: make() for name, make in made.items()}


def _spare_bits(forger: Forger) -> str:
    """The same signature to a decoder that does not look at the bits its last letter has left."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(forger.token[-1])
    assert len(forger.signature) % 4  # 256 bytes leave four bits
    return forger.token[:-1] + alphabet[last ^ 1]

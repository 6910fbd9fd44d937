"""One request as a view sees it: read, checked, and with the caller named."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from parcelway.domain.commands import Command, command
from parcelway.domain.ids import derived
from parcelway.http.cards import holds_card_number
from parcelway.http.problems import Problem, bad_request
from parcelway.values import dataclass

if TYPE_CHECKING:  # a function without input models does not pay for pydantic
    from pydantic import ValidationError

    from parcelway.http.schemas import Input

Body = TypeVar("Body")

MAX_BODY = 256 * 1024  # bytes
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_ERRORS_SHOWN = 20
_RANDOM_KEY = 22  # characters: base64 of 128 bits; a UUID has 36


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a Cognito user, or nobody the gateway knows ('' subject).

    `customer_id` is derived from the subject, so no look-up is needed to know it.
    """

    subject: str = ""
    email: str = ""
    name: str = ""
    groups: frozenset[str] = frozenset()

    @property
    def customer_id(self) -> str:
        """The caller's customer record id, '' for nobody."""
        return derived("cus", self.subject) if self.subject else ""


@dataclass(frozen=True, slots=True)
class Call(Generic[Body]):
    """A request that passed every check of its route."""

    body: Body
    query: Any
    path: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    caller: Caller
    command: Command
    now: datetime
    if_match: int | None
    source_ip: str = ""

    @property
    def cart_token(self) -> str:
        """The bearer token of the cart, '' when none was sent."""
        return self.headers.get("cart-token", "")


def caller_of(event: Mapping[str, Any]) -> Caller:
    """The caller that API Gateway's Cognito authorizer verified."""
    claims = (event["requestContext"].get("authorizer") or {}).get("claims") or {}
    groups = claims.get("cognito:groups", "")
    if isinstance(groups, str):  # the gateway flattens the list, with or without brackets
        groups = [name for name in re.split(r"[\s,\[\]]+", groups) if name]
    return Caller(
        claims.get("sub", ""), claims.get("email", ""), claims.get("name", ""), frozenset(groups)
    )


def read_json(raw: bytes, model: type[Input]) -> Input:
    """The body as `model`.

    Raises Problem: 413 too large, 400 not JSON, 422 with a pointer to each wrong member.
    """
    parsed = _parse(raw)
    _refuse_cards(parsed, model.card_exempt)
    from pydantic import ValidationError

    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error) from None


def read_nothing(raw: bytes) -> None:
    """See to it that a body says nothing: there is none, or an empty object.

    For a route all of whose input is in its path, without a model to load. Raises Problem as
    `read_json` does.
    """
    said = _parse(raw) if raw.strip() else {}
    _refuse_cards(said)
    if said != {}:
        raise Problem(422, "invalid-request", "Invalid request", "Nothing is to be said here.")


def read_query(values: Mapping[str, str], model: type[Input]) -> Input:
    """The query parameters as `model`; each is text and converted. Raises Problem 422."""
    if holds_card_number(dict(values)):
        raise Problem(422, "card-number-refused", "Card number refused")
    from pydantic import ValidationError

    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        raise invalid(error) from None


def read_command(headers: Mapping[str, str], required: bool, *request: str) -> Command:
    """The Idempotency-Key of a request. Raises Problem 400 when missing or malformed."""
    key = headers.get("idempotency-key", "")
    if required and not key:
        raise Problem(
            400,
            "idempotency-key-required",
            "Idempotency-Key required",
            "Send an Idempotency-Key header, the same one when you repeat the request.",
        )
    if key and not _KEY.match(key):
        raise bad_request("An Idempotency-Key is 1 to 255 printable ASCII characters.")
    return command(key, *request)


def random_key(headers: Mapping[str, str], because: str) -> str:
    """The Idempotency-Key itself, where a secret is derived from it: a command keeps only a digest,
    with the order for all its readers. Raises Problem 400 for one that could be guessed."""
    key = headers["idempotency-key"]
    if len(key) < _RANDOM_KEY or len(set(key)) < 8:
        raise Problem(
            400,
            "idempotency-key-too-weak",
            "Idempotency-Key too weak",
            f"Use a random key here, a UUID for instance: {because}.",
        )
    return key


def read_if_match(headers: Mapping[str, str]) -> int | None:
    """The version in an If-Match header. Raises Problem 400 when it is not one."""
    text = headers.get("if-match", "").strip()
    if not text or text == "*":
        return None
    match = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', text)
    if match is None:
        raise bad_request('If-Match takes the version as "3".')
    return int(match.group(1))


def same_secret(left: str, right: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def fingerprint(raw: bytes) -> str:
    """A digest of a request body for telling repeats from reuse."""
    return hashlib.sha256(raw).hexdigest()


def invalid(error: ValidationError) -> Problem:
    """Every wrong member by JSON pointer; what was sent is not repeated in the answer."""
    errors = [
        {"pointer": _pointer(entry["loc"]), "detail": entry["msg"]}
        for entry in error.errors(include_url=False, include_context=False, include_input=False)
    ][:_ERRORS_SHOWN]
    return Problem(
        422,
        "invalid-request",
        "Invalid request",
        f"{errors[0]['pointer'] or 'The body'}: {errors[0]['detail']}.",
        pointer=errors[0]["pointer"],
        errors=errors,
    )


def _parse(raw: bytes) -> Any:
    if len(raw) > MAX_BODY:
        raise Problem(
            413, "body-too-large", "Body too large", f"At most {MAX_BODY // 1024} KiB are read."
        )
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON in UTF-8.") from None


def _refuse_cards(parsed: Any, exempt: frozenset[str] = frozenset()) -> None:
    if holds_card_number(parsed, exempt):
        raise Problem(
            422,
            "card-number-refused",
            "Card number refused",
            "Card numbers are entered with the payment provider, never here.",
        )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _pointer(location: tuple[int | str, ...]) -> str:
    escaped = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "".join(f"/{part}" for part in escaped)

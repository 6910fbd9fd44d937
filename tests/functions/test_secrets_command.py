"""`parcelway secrets`: what it stores is what the functions read, and nothing is told."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from parcelway.ports import clock, secret_values
from parcelway.ports.secret_values import secret, secrets_of
from parcelway.ports.webhooks import sign_standard, verify_standard

from infra.cli.main import main

KEY = "sk_test_51Abcdefghijklmnop"
FIRST, SECOND, THIRD = ("whsec_first1", "whsec_second2", "whsec_third3")


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        secret_values.forget()  # its client may be of an earlier test's AWS
        yield
        secret_values.forget()


def live(name: str, prefix: str = "parcelway") -> list[str]:
    secret_values.forget()
    return secrets_of(f"/{prefix}/{name}")


def test_a_key_from_the_environment_is_stored_encrypted_and_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", f" {KEY}\n")
    assert main(["secrets", "stripe-secret-key", "--prefix", "shop2"]) == 0
    assert secret("/shop2/stripe-secret-key") == KEY
    stored = boto3.client("ssm").get_parameter(Name="/shop2/stripe-secret-key")["Parameter"]
    assert stored["Type"] == "SecureString"
    assert stored["Value"] != KEY
    out, err = capsys.readouterr()
    assert KEY not in out + err


def test_a_new_key_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (KEY, KEY + "New"):
        monkeypatch.setenv("STRIPE_SECRET_KEY", key)
        assert main(["secrets", "stripe-secret-key"]) == 0
    assert live("stripe-secret-key") == [KEY + "New"]


def test_a_key_that_is_asked_for_is_read_without_an_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: KEY)
    assert main(["secrets", "stripe-secret-key"]) == 0
    assert live("stripe-secret-key") == [KEY]


def test_two_webhook_secrets_live_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for value in (FIRST, SECOND, SECOND, THIRD):
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", value)
        assert main(["secrets", "stripe-webhook-secrets"]) == 0
        seen.append(live("stripe-webhook-secrets"))
    assert seen == [[FIRST], [SECOND, FIRST], [SECOND, FIRST], [THIRD, SECOND]]
    assert main(["secrets", "stripe-webhook-secrets", "--drop-old"]) == 0
    assert live("stripe-webhook-secrets") == [THIRD]


@pytest.mark.parametrize(
    "value", ["", "pk_live_51Abcdefghijklmnop", "sk_test_short", f"{KEY},{KEY}"]
)
def test_what_cannot_be_the_secret_is_refused_and_not_told(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", value)
    assert main(["secrets", "stripe-secret-key"]) == 1
    out, err = capsys.readouterr()
    assert "does not look like" in err
    assert not value or value not in out + err
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


def test_the_carriers_secret_is_made_here_and_shown_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["secrets", "carrier-webhook-secrets"]) == 0
    (first,) = live("carrier-webhook-secrets")
    assert first not in "".join(capsys.readouterr())
    assert main(["secrets", "carrier-webhook-secrets", "--show"]) == 0
    second = capsys.readouterr().out.splitlines()[-1]
    assert live("carrier-webhook-secrets") == [second, first]
    assert len(base64.b64decode(second.removeprefix("whsec_"))) == 32
    now = clock.now()
    for value in (first, second):
        signed = sign_standard(b"{}", "evt_1", value, now)
        verify_standard(b"{}", *signed.values(), live("carrier-webhook-secrets"), now)


def test_the_status_tells_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)
    main(["secrets", "stripe-secret-key"])
    main(["secrets", "carrier-webhook-secrets"])
    capsys.readouterr()
    assert main(["secrets", "status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "stripe-secret-key: 1 live",
        "stripe-webhook-secrets: missing",
        "carrier-webhook-secrets: 1 live",
    ]


@pytest.mark.parametrize(
    "arguments",
    [["stripe-secret-key", "--show"], ["stripe-secret-key", "--drop-old"]],
)
def test_an_entered_secret_is_never_shown(arguments: list[str]) -> None:
    assert main(["secrets", *arguments]) == 2


def test_dropping_the_old_one_of_none_is_a_failure() -> None:
    assert main(["secrets", "carrier-webhook-secrets", "--drop-old"]) == 1

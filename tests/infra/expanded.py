"""template.yaml as CloudFormation gets it, and how its parts refer to each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.template import load

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = {
    "PublicUrl": "https://shop.example",
    "MailFrom": "shop@shop.example",
    "StripePublishableKey": "pk_test",
    "PasswordPage": "https://shop.example/#/welcome/",
}
Json = dict[str, Any]


@cache
def resources() -> dict[str, Json]:
    """The expanded template's resources; do not change them."""
    document = load(ROOT / "template.yaml", PARAMETERS, "eu-central-1").document
    found: dict[str, Json] = document["Resources"]
    return found


def of_type(kind: str) -> dict[str, Json]:
    """The properties of every resource of a type (`AWS::` left out), by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources().items()
        if resource["Type"] == f"AWS::{kind}"
    }


def target(value: Any) -> str:
    """The logical id that a Ref or GetAtt names. Raises AssertionError for anything else."""
    assert isinstance(value, dict), value
    if "Ref" in value:
        return str(value["Ref"])
    return str(value["Fn::GetAtt"][0])


def statements() -> Iterator[tuple[str, Json]]:
    """Every statement of every role, with the role's logical id; also those with a condition."""
    for name, role in of_type("IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement.get("Fn::If", [None, statement])[1]


def listed(value: Any) -> list[Any]:
    """One or many, as many."""
    return value if isinstance(value, list) else [value]

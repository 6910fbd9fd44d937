"""The OpenAPI document: valid, complete, and with examples that the API would take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from parcelway.domain.refusals import Reason

from infra.cli.answers import Sources, of_reason
from infra.cli.main import main
from infra.cli.openapi import document
from infra.cli.openapi_examples import BODIES
from infra.local.template import read

ROOT = Path(__file__).resolve().parents[2]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_document_is_valid_openapi() -> None:
    errors = list(OpenAPIV31SpecValidator(document()).iter_errors())
    assert errors == []


def test_every_operation_says_what_it_does_and_what_its_parameters_are() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        for parameter in operation["parameters"]:
            told = parameter.get("description") or parameter["in"] == "query"
            assert told, (method, path, parameter["name"])


def test_a_cart_may_be_named_where_none_is_needed_and_must_be_held_where_one_is() -> None:
    security = {f"{m} {path}": operation["security"] for m, path, operation in operations()}
    assert security["get /products"] == [{}, {"CartToken": []}]
    assert security["get /products/{sku}/availability"] == [{}, {"CartToken": []}]
    assert security["get /carts/{cart_id}"] == [{"CartToken": []}]
    assert security["post /carts/{cart_id}/claim"] == [{"SignedIn": [], "CartToken": []}]
    assert security["get /stores"] == []


def test_the_examples_are_of_operations_and_fit_their_schemas() -> None:
    taken = {operation["operationId"]: operation for _, _, operation in operations()}
    for name, body in BODIES.items():
        (media,) = taken[name]["requestBody"]["content"].values()
        schema = media["schema"] | {"components": document()["components"]}
        Draft202012Validator(schema).validate(body)
        assert media["example"] == body


def test_what_a_client_sends_is_closed_and_what_it_gets_is_open() -> None:
    schemas = document()["components"]["schemas"]
    for _, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            if "$ref" in media["schema"]:
                body = schemas[media["schema"]["$ref"].rsplit("/", 1)[1]]
                assert body["additionalProperties"] is False, path
    assert "additionalProperties" not in schemas["OrderView"]


def test_names_that_two_functions_use_for_different_things_are_told_apart() -> None:
    schemas = document()["components"]["schemas"]
    assert "Confirmation" not in schemas
    assert "expected_total" in schemas["CheckoutConfirmation"]["properties"]
    assert "code" in schemas["SignupConfirmation"]["properties"]
    assert set(schemas["Money"]["properties"]) == {"minor", "currency"}


def test_a_member_that_is_left_out_when_it_equals_its_default_is_not_required() -> None:
    address = document()["components"]["schemas"]["Address"]
    assert address["properties"]["line2"]["default"] == ""
    assert "line2" not in address["required"]
    assert "line1" in address["required"]


def test_api_gateways_own_refusals_are_documented_as_the_template_words_them() -> None:
    answers = read(ROOT / "template.yaml")["Resources"]["Api"]["Properties"]["GatewayResponses"]
    throttled = json.loads(answers["THROTTLED"]["ResponseTemplates"]["application/json"])
    for _, path, operation in operations():
        problem = operation["responses"]["429"]["content"]["application/problem+json"]
        # Besides these a route may have refusals of its own: a channel's throttle, for one.
        assert throttled["type"] in problem["schema"]["allOf"][1]["properties"]["type"]["enum"], (
            path
        )


def test_refusals_are_found_through_imports_methods_and_constants(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from helper import helped, Thing, Lost, Never\n"
        "from parcelway.domain.refusals import Reason\n"
        "LATE = (Reason.TOO_LATE,)\n"
        "def view(call):\n"
        "    try:\n"
        "        return helped(call, LATE).turn()\n"
        "    except Lost:\n"
        "        raise gone()\n"
        "    except Never:\n"
        "        raise Reason.EMPTY_CART\n"
        "def gone():\n"
        "    return Reason.NOT_FOUND\n"
        "def other(call):\n"
        "    return Reason.UNKNOWN_SKU\n"
    )
    (tmp_path / "helper.py").write_text(
        "from parcelway.domain.refusals import Reason\n"
        "class Lost(Exception): pass\n"
        "class Never(Exception): pass\n"
        "class Thing:\n"
        "    def turn(self):\n"
        "        raise Lost if self else Reason.INVALID\n"
        "def helped(call, late):\n"
        "    from rare import told\n"
        "    return told() or Thing()\n"
    )
    (tmp_path / "rare.py").write_text(
        "from parcelway.domain.refusals import Reason\n"
        "def told(): return Reason.IN_KIT\n"
        "def untold(): return Reason.KIT_CHANGED\n"
    )
    reach = Sources(tmp_path).reach(("app", "view"))
    expected = (Reason.TOO_LATE, Reason.NOT_FOUND, Reason.INVALID, Reason.IN_KIT)
    assert reach.problems == {of_reason(reason) for reason in expected}


def test_a_start_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Sources().reach(("parcelway.http.call", "no_such_thing"))


def test_the_command_writes_the_document(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    assert main(["openapi", "--out", str(out)]) == 0
    assert json.loads(out.read_text()) == document()

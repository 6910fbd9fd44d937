"""template.yaml -> plain CloudFormation, offline, by the same translator AWS runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

LOCAL_BUCKET = "local"
"""Stands for "this folder" where CloudFormation wants an S3 bucket: nothing is ever uploaded."""

_CODE_KEYS = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


@dataclass(frozen=True)
class Template:
    """A translated template.

    `document` is CloudFormation, `parameters` their values with defaults filled in,
    `root` the folder its relative paths start from.
    """

    document: dict[str, Any]
    parameters: dict[str, Any]
    root: Path


class TemplateError(Exception):
    """The template cannot be run: it is invalid, or uses something the stack does not know."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short forms (!Ref, !Sub, ...)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
# A version such as 2012-10-17 is a string, not a date.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    """The template as written, short forms expanded to their long names."""
    document = yaml.load(path.read_text(), Loader=_Loader)
    if not isinstance(document, dict):
        raise TemplateError(f"{path.name} is not a template")
    return document


def load(path: Path, parameters: Mapping[str, str], region: str) -> Template:
    """Read and translate `path`.

    `parameters` overrides the defaults declared in the template.

    Raises TemplateError for an invalid template, an unknown or a missing parameter.
    """
    document = read(path)
    values = _parameter_values(document.get("Parameters", {}), parameters)
    _point_to_local_folders(document)
    return Template(_translate(document, values, region), values, path.resolve().parent)


def _parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    unknown = set(given) - set(declared)
    if unknown:
        raise TemplateError(f"the template declares no parameter {sorted(unknown)}")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"parameter {name} has no default and no value")
        allowed = declaration.get("AllowedValues")
        if allowed and str(value) not in [str(option) for option in allowed]:
            raise TemplateError(f"parameter {name} = {value!r} is not one of {allowed}")
        is_list = declaration["Type"] == "CommaDelimitedList"
        values[name] = str(value).split(",") if is_list else str(value)
    return values


def _point_to_local_folders(document: dict[str, Any]) -> None:
    """SAM insists on S3 locations: `CodeUri: functions/x` becomes s3://local/functions/x."""
    sections = [
        (kind, {"Properties": document.get("Globals", {}).get(kind.rsplit("::", 1)[1], {})})
        for kind in _CODE_KEYS
    ]
    sections += [(r.get("Type"), r) for r in document.get("Resources", {}).values()]
    for kind, resource in sections:
        properties = resource.get("Properties", {})
        key = _CODE_KEYS.get(str(kind))
        uri = properties.get(key) if key else None
        if isinstance(uri, str):
            properties[key] = f"s3://{LOCAL_BUCKET}/{uri.removeprefix('./')}"
        if "InlineCode" in properties:
            raise TemplateError("InlineCode is not supported: give the function a folder")


def _translate(document: dict[str, Any], values: dict[str, Any], region: str) -> dict[str, Any]:
    import boto3
    from samtranslator.model.exceptions import (  # type: ignore[import-untyped]
        InvalidDocumentException,
    )
    from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
    from samtranslator.translator.translator import (  # type: ignore[import-untyped]
        Translator,
    )

    session = boto3.Session(region_name=region)
    translator = Translator(_ManagedPolicies(), Parser(), boto_session=session)
    try:
        translated: dict[str, Any] = translator.translate(copy.deepcopy(document), dict(values))
    except InvalidDocumentException as invalid:
        causes = "; ".join(str(cause.message) for cause in invalid.causes)
        raise TemplateError(f"{invalid.message} {causes}") from invalid
    return translated


class _ManagedPolicies(dict[str, str]):
    """AWS managed policy name -> ARN, for the names SAM itself attaches."""

    def __missing__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"

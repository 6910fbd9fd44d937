"""Functions, layers, event source mappings, roles, state machines."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from infra.local.functions import AsyncConfig, Function
from infra.local.intrinsics import Resource
from infra.local.provision import Build, Permission, Properties, Role, creates
from infra.local.template import LOCAL_BUCKET, TemplateError


def _empty_zip() -> bytes:
    """moto wants code; ours is in a folder and never uploaded."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("README", "runs from its folder")
    return buffer.getvalue()


def _local_folder(build: Build, logical_id: str, bucket: str, key: str) -> Path:
    if bucket != LOCAL_BUCKET:
        raise TemplateError(f"{logical_id}: code must be a local folder, not s3://{bucket}/{key}")
    folder = (build.root / key).resolve()
    if not folder.exists():
        raise TemplateError(f"{logical_id}: there is no {key}")
    return folder


@creates("AWS::Lambda::LayerVersion")
def layer_version(build: Build, logical_id: str, p: Properties) -> Resource:
    content = p.required("Content")
    folder = _local_folder(build, logical_id, content["S3Bucket"], content["S3Key"])
    p.ignore("CompatibleRuntimes", "CompatibleArchitectures", "Description", "LicenseInfo")
    arn = build.arn("lambda", f"layer:{p.get('LayerName', logical_id)}:1")
    build.layers[arn] = folder
    return Resource(arn, {"LayerVersionArn": arn})


@creates("AWS::Lambda::Function")
def function(build: Build, logical_id: str, p: Properties) -> Resource:
    code = p.required("Code")
    folder = _local_folder(build, logical_id, code["S3Bucket"], code["S3Key"])
    name = p.get("FunctionName", build.name(logical_id))
    role_arn = p.required("Role")
    layers = p.get("Layers", [])
    unknown = [layer for layer in layers if layer not in build.layers]
    if unknown:
        raise TemplateError(f"{logical_id}: layers outside of this template: {unknown}")
    function = Function(
        logical_id=logical_id,
        name=name,
        arn=build.arn("lambda", f"function:{name}"),
        folder=folder,
        handler=p.required("Handler"),
        timeout=float(p.get("Timeout", 3)),
        memory=int(p.get("MemorySize", 128)),
        environment={k: str(v) for k, v in p.get("Environment", {}).get("Variables", {}).items()},
        role=role_arn.rsplit("/", 1)[1],
        concurrency=p.get("ReservedConcurrentExecutions"),
        dead_letter_arn=p.get("DeadLetterConfig", {}).get("TargetArn"),
    )
    build.functions.add(function)
    p.ignore("Architectures", "Description", "EphemeralStorage", "LoggingConfig", "SnapStart")
    p.ignore("Tags", "TracingConfig", "RecursiveLoop")
    build.client("lambda").create_function(
        FunctionName=name,
        Runtime=p.required("Runtime"),
        Role=role_arn,
        Handler=function.handler,
        Code={"ZipFile": _empty_zip()},
        Timeout=int(function.timeout),
        MemorySize=function.memory,
        Environment={"Variables": dict(function.environment)},
    )
    return Resource(name, {"Arn": function.arn})


@creates("AWS::Lambda::Permission")
def permission(build: Build, logical_id: str, p: Properties) -> Resource:
    if p.required("Action") != "lambda:InvokeFunction":
        raise TemplateError(f"{logical_id}: only lambda:InvokeFunction can be granted")
    found = build.functions.find(p.required("FunctionName"))
    p.ignore("SourceAccount")
    build.permissions.append(
        Permission(found.logical_id, p.required("Principal"), p.get("SourceArn"))
    )
    return Resource(build.name(logical_id))


@creates("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(build: Build, logical_id: str, p: Properties) -> Resource:
    found = build.functions.find(p.required("FunctionName"))
    destinations = p.get("DestinationConfig", {})
    p.ignore("Qualifier", "MaximumEventAgeInSeconds")
    build.functions.async_config[found.logical_id] = AsyncConfig(
        retries=int(p.get("MaximumRetryAttempts", 2)),
        on_failure=destinations.get("OnFailure", {}).get("Destination"),
        on_success=destinations.get("OnSuccess", {}).get("Destination"),
    )
    return Resource(build.name(logical_id))


@creates("AWS::Lambda::EventSourceMapping")
def event_source_mapping(build: Build, logical_id: str, p: Properties) -> Resource:
    names = ["EventSourceArn", "FunctionName", "BatchSize", "FunctionResponseTypes"]
    names += ["FilterCriteria", "ScalingConfig", "StartingPosition", "MaximumRetryAttempts"]
    names += ["BisectBatchOnFunctionError", "DestinationConfig", "Enabled"]
    names += ["MaximumBatchingWindowInSeconds"]
    build.mappings.append((logical_id, p.take(*names)))
    p.ignore("MaximumRecordAgeInSeconds", "Tags")
    p.ignore("ParallelizationFactor", "TumblingWindowInSeconds", "MetricsConfig")
    return Resource(build.name(logical_id), {"Id": build.name(logical_id)})


@creates("AWS::IAM::Role")
def role(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("RoleName", build.name(logical_id))
    created = Role(f"arn:aws:iam::{build.account}:role/{name}")
    iam = build.client("iam")
    iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(p.required("AssumeRolePolicyDocument"))
    )
    for policy in p.get("Policies", []):
        created.documents.append(policy["PolicyDocument"])
    created.managed.extend(p.get("ManagedPolicyArns", []))
    p.ignore("Description", "MaxSessionDuration", "Path", "Tags", "PermissionsBoundary")
    build.roles[name] = created
    return Resource(name, {"Arn": created.arn, "RoleId": name})


@creates("AWS::IAM::Policy")
def policy(build: Build, logical_id: str, p: Properties) -> Resource:
    document = p.required("PolicyDocument")
    p.ignore("PolicyName")
    for name in p.required("Roles"):
        build.roles[name].documents.append(document)
    return Resource(build.name(logical_id))


@creates("AWS::StepFunctions::StateMachine")
def state_machine(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("StateMachineName", build.name(logical_id, 80))
    role_arn = p.required("RoleArn")
    definition = _definition(build, logical_id, p)
    p.ignore("Tags", "LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")
    arn = build.client("stepfunctions").create_state_machine(
        name=name,
        definition=definition,
        roleArn=role_arn,
        type=p.get("StateMachineType", "STANDARD"),
    )["stateMachineArn"]
    build.machines[logical_id] = name
    build.machine_roles[logical_id] = role_arn.rsplit("/", 1)[1]
    build.machine_arns[logical_id] = arn
    return Resource(arn, {"Arn": arn, "Name": name})


def _definition(build: Build, logical_id: str, p: Properties) -> str:
    location, own = p.get("DefinitionS3Location"), p.get("Definition")
    if location:
        path = _local_folder(build, logical_id, location["Bucket"], location["Key"])
        text = path.read_text()
    else:
        text = json.dumps(own) if own else p.required("DefinitionString")
    for name, value in p.get("DefinitionSubstitutions", {}).items():
        text = text.replace("${" + name + "}", str(value))
    if left := set(re.findall(r"\$\{(\w+)\}", text)):
        raise TemplateError(f"{logical_id}: the definition names unknown {sorted(left)}")
    try:
        _check_states(logical_id, json.loads(text))
    except json.JSONDecodeError as error:
        raise TemplateError(f"{logical_id}: the definition is not JSON: {error}") from error
    return text


def _check_states(logical_id: str, machine: dict[str, Any]) -> None:
    """Every transition must lead to a state: moto finds out only at run time."""
    states = machine["States"]
    targets = [machine["StartAt"]]
    for state in states.values():
        targets += [state[key] for key in ("Next", "Default") if key in state]
        targets += [rule["Next"] for key in ("Catch", "Choices") for rule in state.get(key, [])]
        for inner in [*state.get("Branches", []), state.get("ItemProcessor") or {}]:
            if inner:
                _check_states(logical_id, inner)
    if missing := set(targets) - set(states):
        raise TemplateError(f"{logical_id}: transitions to missing states {sorted(missing)}")

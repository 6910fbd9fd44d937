"""cfn-lint and checkov on what CloudFormation gets: findings are mended, or waived with a reason.

checkov pins a boto3 older than ours, so it lives in an environment of its own, which uv makes on
first use (about 10 s and 230 MB) and keeps. `requirements-checkov.txt` pins every version in it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.template import load
from tests.infra.expanded import PARAMETERS, ROOT, of_type

REQUIREMENTS = Path(__file__).with_name("requirements-checkov.txt")
NO_KEY_OF_OURS = (
    "Encrypted with a key of AWS's. A key of our own costs $1 a month and every use of it, with "
    "nothing sold; who needs one adds it."
)
FUNCTIONS = frozenset(of_type("Lambda::Function"))
QUEUES = frozenset(of_type("SQS::Queue"))
TABLES = frozenset(of_type("DynamoDB::Table"))
REFERENCES = ("Ref", "Fn::GetAtt", "Fn::Sub")

# The check, the resources it may complain of, and why they are right as they are.
WAIVED: dict[str, tuple[frozenset[str], str]] = {
    "CKV_AWS_115": (
        FUNCTIONS - {"SearchIndexerFunction"},
        "A reserved concurrency is taken from all other functions and fails the deployment of an "
        "account whose limit is 10. What is bounded instead: the API by its throttle, the queues' "
        "consumers by MaximumConcurrency, streams by their shards.",
    ),
    "CKV_AWS_116": (
        FUNCTIONS,
        "It looks for DeadLetterConfig, of asynchronous invocations only. Those are the schedules, "
        "whose functions have an on-failure destination: test_template_rules.",
    ),
    "CKV_AWS_117": (
        FUNCTIONS,
        "There is nothing in a VPC to reach, and a NAT gateway costs $32 a month, always.",
    ),
    "CKV_AWS_119": (TABLES, NO_KEY_OF_OURS),
    "CKV_AWS_158": (frozenset({"Logs"}), NO_KEY_OF_OURS),
    "CKV_AWS_173": (FUNCTIONS, NO_KEY_OF_OURS + " The variables hold names; secrets are in SSM."),
    "CKV_AWS_27": (QUEUES, NO_KEY_OF_OURS + " SqsManagedSseEnabled is on, which it overlooks."),
    "CKV_AWS_120": (
        frozenset({"ApiliveStage"}),
        "A cache costs $14 a month with nothing sold, and prices and stock are read live.",
    ),
    "CKV_AWS_73": (
        frozenset({"ApiliveStage"}),
        "Each request's id is in its function's log line; tracing would bill every sampled call.",
    ),
    "CKV_AWS_76": (
        frozenset({"ApiliveStage"}),
        "Needs a role set for the whole account, which a stack must not overwrite. Every request "
        "that reaches a function is a log line there; what the gateway refuses is in its metrics.",
    ),
    "CKV_AWS_18": (
        frozenset({"DocumentsBucket", "SearchBucket"}),
        "Reached by three roles only, whose calls CloudTrail can record; access logs would be "
        "a third bucket to keep, and tell the keys of every customer's documents.",
    ),
    "CKV_AWS_21": (
        frozenset({"SearchBucket"}),
        "The index is made of the tables and made anew every day: an old version is of no use.",
    ),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return load(ROOT / "template.yaml", PARAMETERS, "eu-central-1").document


def _without_references(value: Any) -> Any:
    """References as text: checkov makes a parser anew for each that it follows, minutes for ours,
    and its checks ask only whether there is a value."""
    if isinstance(value, list):
        return [_without_references(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (name := next(iter(value))) in REFERENCES:
        return f"{name} {json.dumps(value[name])}"
    return {key: _without_references(item) for key, item in value.items()}


@pytest.fixture(scope="module")
def findings(
    document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """The resources that each check of checkov complains of."""
    expanded = tmp_path_factory.mktemp("template") / "expanded.json"
    resources = _without_references(document["Resources"])
    expanded.write_text(json.dumps({**document, "Resources": resources, "Outputs": {}}, indent=1))
    uv = Path(sys.executable).with_name("uv")
    version = _pinned("checkov")
    command = [str(uv if uv.exists() else shutil.which("uv")), "tool", "run", "--quiet"]
    command += ["--from", f"checkov=={version}", "--constraints", str(REQUIREMENTS), "checkov"]
    command += ["--file", str(expanded), "--framework", "cloudformation", "--skip-download"]
    command += ["--compact", "--quiet", "--soft-fail", "--output", "json"]
    done = subprocess.run(
        command, cwd=expanded.parent, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 300, "it looked at too little"
    found: dict[str, set[str]] = {}
    for failed in report["results"]["failed_checks"]:
        found.setdefault(failed["check_id"], set()).add(failed["resource"].rsplit(".", 1)[1])
    return found


def _pinned(package: str) -> str:
    (line,) = [x for x in REQUIREMENTS.read_text().splitlines() if x.startswith(f"{package}==")]
    return line.removeprefix(f"{package}==")


def test_checkov_finds_nothing_that_is_not_waived(findings: dict[str, set[str]]) -> None:
    unexpected = {
        check: sorted(found - WAIVED.get(check, (frozenset(), ""))[0])
        for check, found in findings.items()
    }
    assert {check: found for check, found in unexpected.items() if found} == {}


def test_every_waiver_is_needed(findings: dict[str, set[str]]) -> None:
    for check, (resources, reason) in WAIVED.items():
        assert resources - findings.get(check, set()) == set(), check
        assert len(reason) > 40, check


def test_cfn_lint_finds_nothing_in_what_the_template_becomes(
    document: dict[str, Any], tmp_path: Path
) -> None:
    expanded = tmp_path / "expanded.json"
    expanded.write_text(json.dumps(document, indent=1))
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [str(linter), str(expanded)], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")

# ruff: noqa: E501
"""moto and botocore are patched at these places: a changed source there must be looked at.

When one of these fails after an upgrade: read the new source, adapt infra/local/moto_patches,
let the behaviour tests beside this file pass, then put in the new fingerprint.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from infra.local.patching import Patches, fingerprint

FINGERPRINTS = {
    "botocore.client:BaseClient._make_api_call": "75ba491f61ff",
    "moto.awslambda.models:LambdaFunction._invoke_lambda": "23ce7a8f956e",
    "moto.awslambda.models:LambdaFunction.invoke": "dadc324f30ae",
    "moto.awslambda.responses:LambdaResponse.invoke": "8f68f0bf023a",
    "moto.cognitoidp.models:CognitoIdpUserPool.__init__": "1c8d864a15c3",
    "moto.cognitoidp.models:CognitoIdpUserPool._get_user": "4047a30d5a8b",
    "moto.cognitoidp.models:CognitoIdpUserPool.create_jwt": "73889b186eb2",
    "moto.cognitoidp.models:CognitoIdpUserPool.sign_out": "01f51d392251",
    "moto.cognitoidp.responses:CognitoIdpJsonWebKeyResponse": "50948a1b999c",
    "moto.cognitoidp.responses:CognitoIdpResponse.admin_create_user": "3b9a80dfc477",
    "moto.cognitoidp.responses:CognitoIdpResponse.confirm_forgot_password": "e4f9a194bef6",
    "moto.cognitoidp.responses:CognitoIdpResponse.confirm_sign_up": "41368d70a42b",
    "moto.cognitoidp.responses:CognitoIdpResponse.forgot_password": "5ed7388d6653",
    "moto.cognitoidp.responses:CognitoIdpResponse.initiate_auth": "13439fe5571d",
    "moto.cognitoidp.responses:CognitoIdpResponse.sign_up": "09547aa387ff",
    "moto.core.responses:BaseResponse.call_action": "26076963fd17",
    "moto.dynamodb.models:DynamoDBBackend.transact_write_items": "81db2cb7d94e",
    "moto.dynamodb.models:DynamoDBBackend.update_item": "218984588dd6",
    "moto.dynamodb.models.table:StreamRecord": "cf0d90da4621",
    "moto.dynamodb.models.table:StreamShard": "9ce150ce1371",
    "moto.dynamodb.models.table:Table.query": "002b4d00be6d",
    "moto.dynamodb.responses:DynamoHandler.call_action": "ce5f57cf83cd",
    "moto.dynamodb.responses:DynamoHandler.transact_write_items": "61c163fff213",
    "moto.events.models:EventPattern": "37f2129e3cb2",
    "moto.events.models:EventsBackend.put_events": "c56f6ac1f932",
    "moto.events.models:Rule.send_to_targets": "472e002e2dab",
    "moto.s3.models:S3Backend.put_object": "db803f2da9d7",
    "moto.sesv2.responses:SESV2Response.send_email": "a1d8662c8b79",
    "moto.sqs.models:Message": "a6471a329358",
    "moto.sqs.models:Queue.add_message": "f27c9231c1f2",
    "moto.sqs.models:Queue.delete_message": "fa6fd5b9bd2c",
    "moto.sqs.models:SQSBackend.receive_message": "065f3e5e7d21",
    "moto.sqs.models:SQSBackend.send_message": "bf161af09a9e",
    "moto.stepfunctions.models:StateMachine._handle_name_input_idempotency": "9a117fdd6df2",
    "moto.stepfunctions.parser.asl.component.common.retry.retrier_decl:RetrierDecl._eval_body": "48463fff19ce",
    "moto.stepfunctions.parser.asl.component.common.timeouts.timeout:Timeout": "3cbc3774be40",
    "moto.stepfunctions.parser.asl.component.program.program:Program": "266f94c45662",
    "moto.stepfunctions.parser.asl.component.state.exec.execute_state:ExecutionState._evaluate_with_timeout": "c56deda08a42",
    "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component:InlineIterationComponent._eval_body": "1a65306eb3ca",
    "moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker:IterationWorker": "3d1ad4d44462",
    "moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl:BranchesDecl._eval_body": "eec2efa5fe00",
    "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback:StateTaskServiceCallback": "25d4057bdd19",
    "moto.stepfunctions.parser.asl.component.state.state:CommonStateField._eval_body": "035f80caae12",
    "moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function:WaitFunction": "8a50f2fa081e",
    "moto.stepfunctions.parser.asl.eval.callback.callback:CallbackEndpoint": "84bf0df32aaa",
    "moto.stepfunctions.parser.asl.eval.callback.callback:CallbackPoolManager": "46a5b7baafbc",
    "moto.stepfunctions.parser.asl.eval.environment:Environment": "0830fd0dea57",
    "moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for": "1f44dc2ac8aa",
    "moto.stepfunctions.parser.backend.execution:BaseExecutionWorkerCommunication": "db95033888da",
    "moto.stepfunctions.parser.backend.execution_worker:ExecutionWorker": "6ce07ac0ff04",
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend.send_task_failure": "2d5a9597cf1d",
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend.send_task_success": "2e95c66f0d67",
    "moto.stepfunctions.parser.models:StepFunctionsParserBackend.start_execution": "0f8d9dd57baf",
    "moto.stepfunctions.responses:StepFunctionResponse.send_task_failure": "f0fed5e80576",
}


def find(path: str) -> Any:
    module, _, names = path.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("path", FINGERPRINTS)
def test_the_patched_source_is_the_one_we_know(path: str) -> None:
    assert fingerprint(find(path)) == FINGERPRINTS[path], f"{path} changed"


class _Owner:
    kept = 1

    def method(self) -> str:
        return "ours"


class _Heir(_Owner):
    pass


def test_patches_are_undone_in_order() -> None:
    patches = Patches()
    patches.replace(_Heir, "method", lambda _self: "first")
    patches.replace(_Heir, "method", lambda _self: "second")
    patches.add(_Heir, "extra", 2)
    assert _Heir().method() == "second"
    patches.undo()
    assert _Heir().method() == "ours"
    assert "method" not in vars(_Heir)
    assert not hasattr(_Heir, "extra")


def test_patching_what_is_not_there_raises() -> None:
    with pytest.raises(AttributeError):
        Patches().replace(_Owner, "missing", 1)
    with pytest.raises(AttributeError):
        Patches().add(_Owner, "kept", 1)

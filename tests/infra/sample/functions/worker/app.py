import json
import os

import boto3
import helper
from shared_code import TABLE, count, dynamodb

states = boto3.client("stepfunctions")
ACCOUNT = "123456789012"


def handler(event, context):
    """Each message may ask to fail; the rest of its batch still goes through."""
    failed = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        count("WORKER", message["id"])
        if message.get("poison"):
            failed.append({"itemIdentifier": record["messageId"]})
        elif message.get("crash"):
            raise RuntimeError("the whole batch fails")
        elif message.get("flow"):
            region = os.environ["AWS_REGION"]
            machine = os.environ["MACHINE_NAME"]
            states.start_execution(
                stateMachineArn=f"arn:aws:states:{region}:{ACCOUNT}:stateMachine:{machine}",
                name=message["id"],
                input=json.dumps({"order": message["id"], "fail": message.get("fail", "")}),
            )
        else:
            dynamodb.put_item(
                TableName=TABLE,
                Item={"pk": {"S": f"DONE#{message['id']}"}, "sk": {"S": helper.NAME}},
            )
    return {"batchItemFailures": failed}

"""What a layer holds: code several functions import."""

import json
import os

import boto3

TABLE = os.environ["ORDERS_TABLE"]
dynamodb = boto3.client("dynamodb")


def reply(status: int, body: object, **headers: str) -> dict[str, object]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **headers},
        "body": json.dumps(body, default=str),
    }


def count(pk: str, sk: str, by: int = 1) -> int:
    answer = dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="ADD n :by",
        ExpressionAttributeValues={":by": {"N": str(by)}},
        ReturnValues="UPDATED_NEW",
    )
    return int(answer["Attributes"]["n"]["N"])

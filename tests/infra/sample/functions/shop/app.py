import base64
import json
import os
import urllib.request

import boto3
import helper
from shared_code import TABLE, count, dynamodb, reply

sqs = boto3.client("sqs")
ses = boto3.client("sesv2")
states = boto3.client("stepfunctions")
s3 = boto3.client("s3")


def handler(event, context):
    route = (event["httpMethod"], event["resource"])
    return ROUTES[route](event, context)


def create(event, context):
    """Order and its event in one transaction; the stream does the rest."""
    order = json.loads(event["body"])
    pk = f"ORD#{order['id']}"
    detail = json.dumps({"order": order["id"], "total": order["total"]})
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Put": {
                    "TableName": TABLE,
                    "Item": {"pk": {"S": pk}, "sk": {"S": "ORDER"}, "gsi1pk": {"S": "open"}},
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            {
                "Put": {
                    "TableName": TABLE,
                    "Item": {
                        "pk": {"S": pk},
                        "sk": {"S": "EVT#0001"},
                        "type": {"S": order.get("event", "order.placed")},
                        "detail": {"S": detail},
                    },
                }
            },
        ]
    )
    return reply(201, {"id": order["id"], "helper": helper.NAME})


def show(event, context):
    what = event["pathParameters"]["id"]
    if what == "echo":
        return reply(200, event)
    if what == "boom":
        raise RuntimeError("boom")
    if what == "bad-answer":
        return {"statusCode": "two hundred"}
    if what == "forbidden":
        dynamodb.scan(TableName=TABLE)
    if what == "loopback":
        address = event["queryStringParameters"]["url"]
        with urllib.request.urlopen(address, timeout=5) as answer:
            return reply(200, answer.read().decode())
    if what == "remaining":
        return reply(200, [context.get_remaining_time_in_millis(), context.function_name])
    return reply(200, {"id": what}, **{"X-Thing": "1"})


def act(event, context):
    what = event["pathParameters"]["id"]
    body = event["body"]
    if what == "echo":
        return reply(200, event)
    if what == "count":
        return reply(200, {"n": count("COUNTER", "N")})
    if what == "queue":
        message = json.loads(body)
        sqs.send_message(
            QueueUrl=os.environ["WORK_QUEUE"],
            MessageBody=body,
            DelaySeconds=message.get("delay", 0),
        )
        return reply(202, {})
    if what == "token":
        asked = json.loads(body)
        key = {"pk": {"S": asked["order"]}, "sk": {"S": f"TOKEN#{asked['step']}"}}
        item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
        states.send_task_success(taskToken=item["token"]["S"], output=json.dumps({"paid": True}))
        return reply(200, {})
    if what == "mail":
        mail = json.loads(body)
        sent = ses.send_email(
            FromEmailAddress=os.environ["SENDER"],
            Destination={"ToAddresses": [mail["to"]]},
            ConfigurationSetName=os.environ["CONFIGURATION_SET"],
            EmailTags=[{"Name": "order", "Value": mail["order"]}],
            Content={
                "Simple": {
                    "Subject": {"Data": "Your order"},
                    "Body": {"Text": {"Data": "Thank you"}, "Html": {"Data": "<p>Thank you</p>"}},
                }
            },
        )
        return reply(200, {"id": sent["MessageId"]})
    raise ValueError(what)


def files(event, context):
    name = event["pathParameters"]["proxy"]
    key = f"documents/{name}"
    bucket = os.environ["DOCUMENTS_BUCKET"]
    if event["httpMethod"] == "PUT":
        body = event["body"]
        raw = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
        s3.put_object(Bucket=bucket, Key=key, Body=raw)
        return {"statusCode": 204}
    raw = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/pdf"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": base64.b64encode(raw).decode(),
        "isBase64Encoded": True,
    }


def me(event, context):
    return reply(200, event["requestContext"]["authorizer"]["claims"])


ROUTES = {
    ("POST", "/orders"): create,
    ("GET", "/open/{id}"): show,
    ("POST", "/open/{id}"): act,
    ("PUT", "/files/{proxy+}"): files,
    ("GET", "/files/{proxy+}"): files,
    ("GET", "/me"): me,
}

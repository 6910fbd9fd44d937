import os

import boto3

events = boto3.client("events")


def handler(event, context):
    """OrdersTable's stream -> the bus."""
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        if image["type"]["S"] == "poison":
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        answer = events.put_events(
            Entries=[
                {
                    "EventBusName": os.environ["EVENT_BUS"],
                    "Source": "shop",
                    "DetailType": image["type"]["S"],
                    "Detail": image["detail"]["S"],
                }
            ]
        )
        assert answer["FailedEntryCount"] == 0
    return {"batchItemFailures": []}

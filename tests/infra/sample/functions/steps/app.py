from shared_code import TABLE, dynamodb


class OutOfStock(Exception):
    pass


class Throttled(Exception):
    pass


def handler(event, context):
    if event["step"] == "reserve":
        if event["fail"] == "stock":
            raise OutOfStock("none left")
        if event["fail"] == "throttle" and event["attempt"] < 2:
            raise Throttled("slow down")
        return {"reserved": True}
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": event["order"]},
            "sk": {"S": f"TOKEN#{event['step']}"},
            "token": {"S": event["token"]},
        },
    )
    return None

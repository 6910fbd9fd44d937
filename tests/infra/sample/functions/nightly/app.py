from shared_code import TABLE, dynamodb


def handler(event, context):
    item = {"pk": {"S": "NIGHTLY"}, "sk": {"S": event["job"]}}
    dynamodb.put_item(TableName=TABLE, Item=item)

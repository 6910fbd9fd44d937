from shared_code import TABLE, dynamodb


def handler(event, context):
    """Cognito calls this once a sign-up is confirmed."""
    who = event["request"]["userAttributes"]["email"]
    source = event["triggerSource"]
    dynamodb.put_item(
        TableName=TABLE, Item={"pk": {"S": "CONFIRMED"}, "sk": {"S": f"{who} {source}"}}
    )
    return event

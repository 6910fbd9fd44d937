from shared_code import count


def handler(event, context):
    if "eventType" in event:
        for order in event["mail"]["tags"].get("order", []):
            count("MAIL", f"{order}#{event['eventType']}")
        return
    detail = event["detail"]
    count("CONSUMER", str(detail["order"]))
    if detail["total"] < 0:
        raise ValueError("negative order")

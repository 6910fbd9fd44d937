"""What holds for every part of the stack, now and later: bounded, retried, told, never lost.

The rules read the expanded template. A kind of resource or of event source that they do not know
fails: whoever adds one says here what must hold for it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.expanded import Json, listed, of_type, resources, statements, target

FOURTEEN_DAYS = 1_209_600
CONSUMERS_AT_MOST = 20  # concurrent executions of one queue's consumer

KNOWN = {
    "ApiGateway::Deployment",
    "ApiGateway::RestApi",
    "ApiGateway::Stage",
    "CloudWatch::Alarm",
    "Cognito::UserPool",
    "Cognito::UserPoolClient",
    "Cognito::UserPoolGroup",
    "DynamoDB::Table",
    "Events::EventBus",
    "Events::Rule",
    "IAM::Role",
    "Lambda::EventInvokeConfig",
    "Lambda::EventSourceMapping",
    "Lambda::Function",
    "Lambda::LayerVersion",
    "Lambda::Permission",
    "Logs::LogGroup",
    "S3::Bucket",
    "SES::ConfigurationSet",
    "SES::ConfigurationSetEventDestination",
    "SQS::Queue",
    "SQS::QueuePolicy",
    "StepFunctions::StateMachine",
}

WILDCARDS = {
    # The service has no resource types for these actions: a task token is the capability
    # (Service Authorization Reference, AWS Step Functions).
    "states:SendTaskSuccess": "*",
    "states:SendTaskFailure": "*",
    # Which identity sends, an address or its domain, is the owner's choice; it is in the account.
    "ses:SendEmail": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:*",
    # One machine's executions; they are named after orders.
    "states:DescribeExecution": (
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
        ":execution:${FulfillmentMachine.Name}:*"
    ),
}


def queues() -> dict[str, Json]:
    """Those that feed a function."""
    return {
        name: queue for name, queue in of_type("SQS::Queue").items() if "RedrivePolicy" in queue
    }


def dead_letter_queues() -> set[str]:
    return set(of_type("SQS::Queue")) - set(queues())


def mappings(service: str) -> dict[str, Json]:
    """Event source mappings of queues ("SQS::Queue") or of streams ("DynamoDB::Table")."""
    sources = of_type(service)
    return {
        name: mapping
        for name, mapping in of_type("Lambda::EventSourceMapping").items()
        if target(mapping["EventSourceArn"]) in sources
    }


def targets() -> list[tuple[str, str, Json]]:
    """Every target of every rule: the rule, the logical id it names, and the target."""
    return [
        (name, target(each["Arn"]), each)
        for name, rule in of_type("Events::Rule").items()
        for each in rule["Targets"]
    ]


def alarms_on(metric: str, dimension: str) -> set[str]:
    return {
        target(pair["Value"])
        for alarm in of_type("CloudWatch::Alarm").values()
        if alarm["MetricName"] == metric and alarm["Threshold"] == 0
        for pair in alarm["Dimensions"]
        if pair["Name"] == dimension
    }


def test_every_kind_of_resource_has_its_rules() -> None:
    kinds = {resource["Type"].removeprefix("AWS::") for resource in resources().values()}
    assert kinds == KNOWN


def test_every_event_source_is_a_queue_or_a_stream() -> None:
    known = {*mappings("SQS::Queue"), *mappings("DynamoDB::Table")}
    assert known == set(of_type("Lambda::EventSourceMapping"))


@pytest.mark.parametrize("name", sorted(mappings("SQS::Queue")))
def test_a_batch_of_more_than_ten_messages_is_waited_for(name: str) -> None:
    """Lambda refuses the mapping otherwise, and fewer than two of its function at once."""
    mapping = mappings("SQS::Queue")[name]
    assert mapping["BatchSize"] <= 10 or mapping["MaximumBatchingWindowInSeconds"] >= 1
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("name", sorted(queues()))
def test_a_queue_gives_up_after_bounded_tries_and_keeps_what_it_gives_up(name: str) -> None:
    queue = queues()[name]
    redrive = queue["RedrivePolicy"]
    assert target(redrive["deadLetterTargetArn"]) in dead_letter_queues()
    # At least five, or throttling of the function alone can dead-letter a good message
    # (Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping").
    assert 5 <= redrive["maxReceiveCount"] <= 50
    assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS
    hours = redrive["maxReceiveCount"] * queue["VisibilityTimeout"] / 3600
    assert hours < 24, "a message must fail before it is too old to matter"


@pytest.mark.parametrize("name", sorted(mappings("SQS::Queue")))
def test_a_queues_consumer(name: str) -> None:
    mapping = mappings("SQS::Queue")[name]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    function = of_type("Lambda::Function")[target(mapping["FunctionName"])]
    queue = queues()[target(mapping["EventSourceArn"])]
    # Six times the function's timeout, plus the batching window (same page of the guide).
    window = mapping.get("MaximumBatchingWindowInSeconds", 0)
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + window
    # A redrive of thousands must not take every concurrent execution from the storefront.
    assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= CONSUMERS_AT_MOST


@pytest.mark.parametrize("name", sorted(mappings("DynamoDB::Table")))
def test_a_streams_consumer(name: str) -> None:
    mapping = mappings("DynamoDB::Table")[name]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 1 <= mapping["MaximumRetryAttempts"] <= 10
    assert 60 <= mapping["MaximumRecordAgeInSeconds"] <= 6 * 3600  # of the stream's 24 hours
    failed = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert target(failed) in dead_letter_queues()


def test_every_queue_that_keeps_failures_keeps_them_two_weeks_and_rings() -> None:
    for name in dead_letter_queues():
        assert of_type("SQS::Queue")[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS, name
    assert alarms_on("ApproximateNumberOfMessagesVisible", "QueueName") == dead_letter_queues()


def test_every_queue_is_used_and_encrypted() -> None:
    kept = {target(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in queues().values()}
    kept |= {
        target(each["DestinationConfig"]["OnFailure"]["Destination"])
        for kind in ("Lambda::EventSourceMapping", "Lambda::EventInvokeConfig")
        for each in of_type(kind).values()
        if "DestinationConfig" in each
    }
    assert kept == dead_letter_queues()
    consumed = {target(each["EventSourceArn"]) for each in mappings("SQS::Queue").values()}
    assert consumed == set(queues())
    assert all(queue["SqsManagedSseEnabled"] is True for queue in of_type("SQS::Queue").values())


def test_what_a_rule_cannot_deliver_is_kept() -> None:
    policies = of_type("SQS::QueuePolicy").values()
    open_queues = {target(queue) for policy in policies for queue in policy["Queues"]}
    for rule, _, each in targets():
        kept = target(each["DeadLetterConfig"]["Arn"])
        assert kept in dead_letter_queues() & open_queues, rule


def test_rules_feed_queues_and_schedules_feed_functions_that_keep_their_failures() -> None:
    invoked = {target(c["FunctionName"]): c for c in of_type("Lambda::EventInvokeConfig").values()}
    for rule, named, each in targets():
        if named in queues():
            continue
        assert named in of_type("Lambda::Function"), f"{rule}: no rule here for {named}"
        assert "ScheduleExpression" in of_type("Events::Rule")[rule]
        asynchronous = invoked.pop(named)
        for policy in (each["RetryPolicy"], asynchronous):
            assert policy["MaximumRetryAttempts"] <= 2
            assert policy["MaximumEventAgeInSeconds"] <= 3600
        kept = target(asynchronous["DestinationConfig"]["OnFailure"]["Destination"])
        assert kept in dead_letter_queues(), rule
    assert not invoked, "an asynchronous invocation that nothing makes"


def test_only_the_gateway_queues_streams_schedules_and_the_machine_invoke_functions() -> None:
    """So no asynchronous invocation is without its destination; a tax engine is asked and waited
    for."""
    principals = {each["Principal"] for each in of_type("Lambda::Permission").values()}
    assert principals == {"apigateway.amazonaws.com", "events.amazonaws.com"}
    invoking = [
        (r, s["Resource"]) for r, s in statements() if "lambda:InvokeFunction" in s["Action"]
    ]
    engine = {"Ref": "TaxEngine"}
    assert {role for role, what in invoking if what != engine} == {"FulfillmentMachineRole"}
    names = ("Accounts", "Cart", "Checkout", "Counter", "Adjustments", "Taxes", "OrderImport")
    asking = {f"{name}FunctionRole" for name in names}
    assert {role for role, what in invoking if what == engine} == asking


def test_only_rules_of_this_account_may_send_to_our_queues() -> None:
    for policy in of_type("SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == "sqs:SendMessage"
            own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            assert statement["Condition"] == own


@pytest.mark.parametrize("name", sorted(of_type("Lambda::Function")))
def test_a_function_is_bounded_and_logs_where_logs_end(name: str) -> None:
    function = of_type("Lambda::Function")[name]
    assert 1 <= function["Timeout"] <= 300
    assert 128 <= function["MemorySize"] <= 1769  # a whole CPU; a second one would idle
    group = of_type("Logs::LogGroup")[target(function["LoggingConfig"]["LogGroup"])]
    assert 1 <= group["RetentionInDays"] <= 90
    behind = {
        target(permission["FunctionName"])
        for permission in of_type("Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    if name in behind:
        assert function["Timeout"] <= 29, "API Gateway waits no longer"


def test_the_api_is_throttled() -> None:
    for stage in of_type("ApiGateway::Stage").values():
        (everything,) = stage["MethodSettings"]
        assert (everything["ResourcePath"], everything["HttpMethod"]) == ("/*", "*")
        assert everything["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
        assert everything["ThrottlingBurstLimit"] == {"Ref": "ThrottleRate"}


def test_money_and_stock_are_never_in_an_express_workflow() -> None:
    for machine in of_type("StepFunctions::StateMachine").values():
        assert machine["StateMachineType"] == "STANDARD"


def test_an_execution_that_ends_badly_rings() -> None:
    machines = set(of_type("StepFunctions::StateMachine"))
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
        assert alarms_on(metric, "StateMachineArn") == machines


def test_every_wildcard_in_a_role_has_its_reason() -> None:
    used = set()
    for role, statement in statements():
        for resource in listed(statement["Resource"]):
            text = _text(resource)
            if "*" not in text.removesuffix("/*") and not text.startswith("*"):
                continue  # `bucket/*` is what is in a bucket
            for action in listed(statement["Action"]):
                assert WILDCARDS.get(action) == text, (role, action, text)
                used.add(action)
        assert all("*" not in action for action in listed(statement["Action"])), role
        assert statement["Effect"] == "Allow"
    assert used == set(WILDCARDS), "a reason without a wildcard"


def _text(resource: Any) -> str:
    if isinstance(resource, str):
        return resource
    return str(resource.get("Fn::Sub") or target(resource))


def test_tables_and_buckets_keep_what_they_have() -> None:
    for name, table in of_type("DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["DeletionProtectionEnabled"] is True, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert resources()[name]["DeletionPolicy"] == "Retain", name
    for name, bucket in of_type("S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values()), name


@pytest.mark.parametrize("function", ["SignupFunction", "OrdersFunction", "CustomersFunction"])
def test_who_claims_a_guest_s_orders_deletes_nothing_else_of_orders(function: str) -> None:
    deleting = [
        statement
        for role, statement in statements()
        if role == f"{function}Role"
        and "dynamodb:DeleteItem" in listed(statement["Action"])
        and any(target(each) == "OrdersTable" for each in listed(statement["Resource"]))
    ]
    of_guests = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["GUEST#*"]}}
    assert [each.get("Condition") for each in deleting] == [of_guests]

"""Tables, buckets, parameters."""

from __future__ import annotations

from typing import Any

from infra.local.intrinsics import Resource
from infra.local.provision import Build, Properties, bucket_name, creates


@creates("AWS::DynamoDB::Table")
def table(build: Build, logical_id: str, p: Properties) -> Resource:
    dynamodb = build.client("dynamodb")
    name = p.get("TableName", build.name(logical_id, 255))
    arguments: dict[str, Any] = {
        "TableName": name,
        "KeySchema": p.required("KeySchema"),
        "AttributeDefinitions": p.required("AttributeDefinitions"),
        "BillingMode": p.get("BillingMode", "PROVISIONED"),
        **p.take("GlobalSecondaryIndexes", "LocalSecondaryIndexes", "ProvisionedThroughput"),
        **p.take("DeletionProtectionEnabled"),
    }
    if stream := p.get("StreamSpecification"):
        arguments["StreamSpecification"] = {"StreamEnabled": True, **stream}
    if encryption := p.get("SSESpecification"):
        encryption["Enabled"] = encryption.pop("SSEEnabled")
        arguments["SSESpecification"] = encryption
    p.ignore("Tags", "TableClass", "OnDemandThroughput", "ContributorInsightsSpecification")
    created = dynamodb.create_table(**arguments)["TableDescription"]
    if ttl := p.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    if recovery := p.get("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=recovery
        )
    attributes = {"Arn": created["TableArn"]}
    if "LatestStreamArn" in created:
        attributes["StreamArn"] = created["LatestStreamArn"]
    return Resource(name, attributes)


@creates("AWS::S3::Bucket")
def bucket(build: Build, logical_id: str, p: Properties) -> Resource:
    s3 = build.client("s3")
    name = p.get("BucketName", bucket_name(build, logical_id))
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": build.region}
    ) if build.region != "us-east-1" else s3.create_bucket(Bucket=name)
    if versioning := p.get("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if access := p.get("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=access)
    if cors := p.get("CorsConfiguration"):
        s3.put_bucket_cors(Bucket=name, CORSConfiguration=cors)
    # Encryption, life cycles and ownership change nothing that a program can see here.
    p.ignore("BucketEncryption", "LifecycleConfiguration", "OwnershipControls", "Tags")
    return Resource(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{build.region}.amazonaws.com",
        },
    )


@creates("AWS::S3::BucketPolicy")
def bucket_policy(build: Build, logical_id: str, p: Properties) -> Resource:
    import json

    build.client("s3").put_bucket_policy(
        Bucket=p.required("Bucket"), Policy=json.dumps(p.required("PolicyDocument"))
    )
    return Resource(build.name(logical_id))


@creates("AWS::SSM::Parameter")
def parameter(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("Name", build.name(logical_id))
    value, kind = str(p.required("Value")), p.required("Type")
    p.ignore("Tags", "Tier", "AllowedPattern", "Description", "Policies", "DataType")
    build.client("ssm").put_parameter(Name=name, Value=value, Type=kind)
    return Resource(name, {"Type": kind, "Value": value})


@creates("AWS::SecretsManager::Secret")
def secret(build: Build, logical_id: str, p: Properties) -> Resource:
    import secrets

    name = p.get("Name", build.name(logical_id))
    generated = p.get("GenerateSecretString") is not None
    value = p.get("SecretString") or (secrets.token_urlsafe(24) if generated else "")
    p.ignore("Description", "KmsKeyId", "Tags")
    arn = build.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
    return Resource(arn, {"Id": arn})

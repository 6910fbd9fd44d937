"""The front door's shape, and what watches the stack: APIs, logs, alarms, dashboards."""

from __future__ import annotations

import dataclasses
import hashlib

from infra.local.intrinsics import Resource
from infra.local.provision import Api, Build, Properties, creates
from infra.local.template import TemplateError


@creates("AWS::ApiGateway::RestApi")
def rest_api(build: Build, logical_id: str, p: Properties) -> Resource:
    body = p.required("Body")
    declared = body.get("x-amazon-apigateway-binary-media-types", [])
    also = [kind.replace("~1", "/") for kind in p.get("BinaryMediaTypes", [])]
    p.ignore("Name", "Description", "EndpointConfiguration", "Tags", "Parameters")
    p.ignore("MinimumCompressionSize", "DisableExecuteApiEndpoint", "FailOnWarnings")
    api_id = hashlib.sha256(build.name(logical_id).encode()).hexdigest()[:10]
    kinds = tuple(dict.fromkeys([*declared, *also]))
    build.apis[api_id] = Api(logical_id, api_id, body, kinds)
    return Resource(api_id, {"RestApiId": api_id, "RootResourceId": api_id[::-1]})


@creates("AWS::ApiGateway::Deployment")
def deployment(build: Build, logical_id: str, p: Properties) -> Resource:
    p.ignore("RestApiId", "Description", "StageName")
    return Resource(build.name(logical_id), {"DeploymentId": build.name(logical_id)})


@creates("AWS::ApiGateway::Stage")
def stage(build: Build, logical_id: str, p: Properties) -> Resource:
    api_id, name = p.required("RestApiId"), p.required("StageName")
    if build.apis[api_id].stage:
        raise TemplateError(f"{logical_id}: one stage per API is enough here")
    p.ignore("DeploymentId", "MethodSettings", "TracingEnabled", "AccessLogSetting", "Tags")
    p.ignore("CacheClusterEnabled", "CacheClusterSize", "Description")
    build.apis[api_id] = dataclasses.replace(
        build.apis[api_id], stage=name, variables=p.get("Variables", {})
    )
    return Resource(name)


@creates("AWS::ApiGateway::Account")
def account(build: Build, logical_id: str, p: Properties) -> Resource:
    p.ignore("CloudWatchRoleArn")
    return Resource(build.name(logical_id))


@creates("AWS::ApiGateway::UsagePlan")
def usage_plan(build: Build, logical_id: str, p: Properties) -> Resource:
    # Throttling needs a clock shared by all callers; a laptop has one caller.
    p.ignore("ApiStages", "Description", "Quota", "Throttle", "UsagePlanName", "Tags")
    return Resource(build.name(logical_id), {"Id": build.name(logical_id)})


@creates("AWS::Logs::LogGroup")
def log_group(build: Build, logical_id: str, p: Properties) -> Resource:
    logs = build.client("logs")
    name = p.get("LogGroupName", build.name(logical_id))
    logs.create_log_group(logGroupName=name)
    if days := p.get("RetentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    p.ignore("Tags", "KmsKeyId", "LogGroupClass", "DataProtectionPolicy")
    return Resource(name, {"Arn": build.arn("logs", f"log-group:{name}:*")})


@creates("AWS::Logs::MetricFilter")
def metric_filter(build: Build, logical_id: str, p: Properties) -> Resource:
    p.ignore("FilterName", "FilterPattern", "LogGroupName", "MetricTransformations")
    return Resource(build.name(logical_id))


@creates("AWS::CloudWatch::Alarm")
def alarm(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("AlarmName", build.name(logical_id))
    p.ignore("ActionsEnabled", "AlarmActions", "AlarmDescription", "ComparisonOperator")
    p.ignore("DatapointsToAlarm", "Dimensions", "EvaluationPeriods", "ExtendedStatistic")
    p.ignore("InsufficientDataActions", "MetricName", "Metrics", "Namespace", "OKActions")
    p.ignore("Period", "Statistic", "Tags", "Threshold", "TreatMissingData", "Unit")
    # Nothing measures here, so nothing could ring.
    return Resource(name, {"Arn": build.arn("cloudwatch", f"alarm:{name}")})


@creates("AWS::CloudWatch::Dashboard")
def dashboard(build: Build, logical_id: str, p: Properties) -> Resource:
    p.ignore("DashboardBody")
    return Resource(p.get("DashboardName", build.name(logical_id)))

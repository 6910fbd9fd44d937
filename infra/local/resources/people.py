"""Cognito: user pools, clients, groups."""

from __future__ import annotations

from typing import Any

from infra.local.intrinsics import Resource
from infra.local.provision import Build, Properties, creates
from infra.local.template import TemplateError

_TRIGGERS = {"PostConfirmation", "PreSignUp", "PreTokenGeneration"}
_POOL = [
    "AccountRecoverySetting",
    "AdminCreateUserConfig",
    "AliasAttributes",
    "AutoVerifiedAttributes",
    "DeletionProtection",
    "DeviceConfiguration",
    "EmailConfiguration",
    "MfaConfiguration",
    "Policies",
    "Schema",
    "UserAttributeUpdateSettings",
    "UsernameAttributes",
    "UsernameConfiguration",
    "UserPoolAddOns",
    "VerificationMessageTemplate",
]
_CLIENT = [
    "AccessTokenValidity",
    "AllowedOAuthFlows",
    "AllowedOAuthFlowsUserPoolClient",
    "AllowedOAuthScopes",
    "AuthSessionValidity",
    "CallbackURLs",
    "DefaultRedirectURI",
    "EnablePropagateAdditionalUserContextData",
    "EnableTokenRevocation",
    "ExplicitAuthFlows",
    "GenerateSecret",
    "IdTokenValidity",
    "LogoutURLs",
    "PreventUserExistenceErrors",
    "ReadAttributes",
    "RefreshTokenValidity",
    "SupportedIdentityProviders",
    "TokenValidityUnits",
    "UserPoolId",
    "WriteAttributes",
]


@creates("AWS::Cognito::UserPool")
def user_pool(build: Build, logical_id: str, p: Properties) -> Resource:
    triggers = p.get("LambdaConfig", {})
    if extra := set(triggers) - _TRIGGERS:
        raise TemplateError(f"{logical_id}: the trigger {sorted(extra)} is not supported")
    arguments: dict[str, Any] = {
        "PoolName": p.get("UserPoolName", build.name(logical_id)),
        **p.take(*_POOL),
    }
    p.ignore("EnabledMfas", "UserPoolTags", "UserPoolTier", "EmailVerificationMessage")
    p.ignore("EmailVerificationSubject")
    pool_id = build.client("cognito-idp").create_user_pool(**arguments)["UserPool"]["Id"]
    build.triggers[pool_id] = triggers
    provider = f"cognito-idp.{build.region}.amazonaws.com/{pool_id}"
    return Resource(
        pool_id,
        {
            "Arn": build.arn("cognito-idp", f"userpool/{pool_id}"),
            "ProviderName": provider,
            "ProviderURL": f"https://{provider}",
            "UserPoolId": pool_id,
        },
    )


@creates("AWS::Cognito::UserPoolClient")
def user_pool_client(build: Build, logical_id: str, p: Properties) -> Resource:
    arguments = {"ClientName": p.get("ClientName", build.name(logical_id)), **p.take(*_CLIENT)}
    client = build.client("cognito-idp").create_user_pool_client(**arguments)["UserPoolClient"]
    if arguments.get("PreventUserExistenceErrors") == "ENABLED":
        build.hidden_users.add(client["ClientId"])
    attributes = {"ClientId": client["ClientId"]}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    return Resource(client["ClientId"], attributes)


@creates("AWS::Cognito::UserPoolGroup")
def user_pool_group(build: Build, _logical_id: str, p: Properties) -> Resource:
    arguments = p.take("UserPoolId", "GroupName", "Description", "Precedence", "RoleArn")
    build.client("cognito-idp").create_group(**arguments)
    return Resource(arguments["GroupName"])


@creates("AWS::Cognito::UserPoolDomain")
def user_pool_domain(_build: Build, _logical_id: str, p: Properties) -> Resource:
    domain = p.required("Domain")
    p.ignore("UserPoolId", "CustomDomainConfig", "ManagedLoginVersion")
    return Resource(domain)

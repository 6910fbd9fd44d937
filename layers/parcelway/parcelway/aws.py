"""boto3's clients, from one session that knows which services there are.

boto3 looks into the folders of all four hundred services for every kind of client otherwise: three
thousand file system calls, and a thirtieth of a start.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import get_session

SERVICES = [
    "cognito-idp",
    "dynamodb",
    "events",
    "lambda",
    "s3",
    "sesv2",
    "sqs",
    "ssm",
    "stepfunctions",
]


def client(service: str, config: Config | None = None) -> Any:
    """A new client of one of SERVICES, with the region and credentials of the environment.

    Keep it: making one takes longer than most calls. Raises UnknownServiceError.
    """
    make: Any = _session().client  # typed for each of the services by name
    return make(service, config=config)


class _Loader(Loader):
    """botocore's loader of service descriptions, told what there is."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return SERVICES


@cache
def _session() -> boto3.Session:
    """The one session: what its clients need to know is read once."""
    session = get_session()
    session.register_component("data_loader", _Loader())
    return boto3.Session(botocore_session=session)

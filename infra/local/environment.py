"""The process's environment variables while a stack runs, and their restoration."""

from __future__ import annotations

import os
from collections.abc import Mapping


class Environment:
    """Fake credentials and the region at once; functions' variables when they are known."""

    def __init__(self, region: str, account: str) -> None:
        self._before = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]  # a real profile or endpoint must not leak in
        for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"):
            if name in self._before:
                os.environ[name] = self._before[name]
        os.environ.update(
            {
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                # ARN parameters would otherwise go to account hosts that moto does not serve
                "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
                "AWS_EC2_METADATA_DISABLED": "true",
                "MOTO_ACCOUNT_ID": account,
            }
        )

    def set(self, functions: Mapping[str, str], extra: Mapping[str, str]) -> None:
        """`extra` wins over what the template says."""
        os.environ.update(functions)
        os.environ.update(extra)

    def restore(self) -> None:
        """Exactly the environment from before."""
        os.environ.clear()
        os.environ.update(self._before)

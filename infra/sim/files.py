"""S3, as far as handlers use it: conditional puts and gets, ranges, listing."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.sim.errors import client_error, not_simulated


@dataclass(frozen=True)
class Stored:
    """One object."""

    body: bytes
    etag: str
    modified: datetime


@dataclass
class Files:
    """All buckets of one history. `counts` holds requests by operation."""

    now: Callable[[], datetime]
    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One API call. Raises NotImplementedError for what no handler uses."""
        self.counts[operation] += 1
        if operation == "PutObject":
            return self._put(parameters)
        if operation == "GetObject":
            return self._get(parameters)
        if operation == "ListObjectsV2":
            return self._list(parameters)
        if operation == "DeleteObject":
            self.objects.pop(_name(parameters), None)
            return {}
        raise not_simulated(f"s3.{operation}")

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        existing = self.objects.get(_name(parameters))
        if parameters.get("IfNoneMatch") == "*" and existing:
            raise _status("PreconditionFailed", "PutObject", 412)
        if "IfMatch" in parameters and (existing is None or existing.etag != parameters["IfMatch"]):
            raise _status("PreconditionFailed", "PutObject", 412)
        body = bytes(parameters["Body"])
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        self.objects[_name(parameters)] = Stored(body, etag, self.now())
        return {"ETag": etag}

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = self.objects.get(_name(parameters))
        if found is None:
            raise _status("NoSuchKey", "GetObject", 404)
        if parameters.get("IfNoneMatch") == found.etag:
            raise _status("304", "GetObject", 304)
        body = found.body
        if "Range" in parameters:
            first, last = parameters["Range"].removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": io.BytesIO(body), "ETag": found.etag}

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket, prefix = parameters["Bucket"], parameters.get("Prefix", "")
        return {
            "IsTruncated": False,
            "Contents": [
                {"Key": key, "LastModified": stored.modified, "Size": len(stored.body)}
                for (owner, key), stored in sorted(self.objects.items())
                if owner == bucket and key.startswith(prefix)
            ],
        }


def _name(parameters: Mapping[str, Any]) -> tuple[str, str]:
    return parameters["Bucket"], parameters["Key"]


def _status(code: str, operation: str, status: int) -> Exception:
    return client_error(code, operation, status=status)

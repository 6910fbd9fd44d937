"""Files that are written once and never changed: documents."""

from __future__ import annotations

import os
from typing import Any, Protocol

from botocore.exceptions import ClientError

from parcelway import aws
from parcelway.domain.invoice import Invoice
from parcelway.values import dataclass


class Files(Protocol):
    """A store of immutable files by key."""

    def put_once(self, key: str, body: bytes, content_type: str) -> bool:
        """Store a file under a key that has none. False when there is one: it stays as it is."""

    def get(self, key: str) -> bytes | None:
        """The file under a key, None when there is none."""


@dataclass(frozen=True, slots=True)
class S3Files:
    """Files in an S3 bucket."""

    client: Any
    bucket: str

    def put_once(self, key: str, body: bytes, content_type: str) -> bool:
        """One conditional PutObject. See Files."""
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise
        return True

    def get(self, key: str) -> bytes | None:
        """One GetObject. See Files."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        body: bytes = answer["Body"].read()
        return body


_FOLDERS = {
    "invoice": "invoices",
    "credit_note": "credit-notes",
    "self_billed": "self-billed-invoices",
}


def document_key(document: Invoice) -> str:
    """Where the PDF of a document lies."""
    return f"{_FOLDERS[document.kind]}/{document.series}/{document.number}.pdf"


def documents() -> S3Files:
    """The documents of this shop: DOCUMENTS_BUCKET. Raises KeyError when it is not set."""
    return S3Files(aws.client("s3"), os.environ["DOCUMENTS_BUCKET"])

"""The search index in S3: immutable packs of segment files, and one manifest that names them.

    index/<schema version>/manifest.json      replaced with If-Match: one writer wins, others retry
    index/<schema version>/packs/<sha256>     the new files of one commit, one after the other

A reader that has the files of an older manifest fetches only what is new. Every file's size and
SHA-256 are in the manifest and checked before it is opened. tantivy's own mutable file, meta.json,
travels inside the manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from parcelway.store import codec
from parcelway.values import dataclass

_FILE = re.compile(r"^([0-9a-f]{32})(?:\.(\d+))?\.([a-z]{1,16})$")
_MISSING = {"NoSuchKey", "404"}
_UNREFERENCED_FOR = timedelta(hours=1)  # a reader may still be fetching by an older manifest


class Conflict(Exception):
    """Somebody else published meanwhile. Start again from what they published."""


class CorruptIndex(Exception):
    """A file or manifest is not what was published."""


@dataclass(frozen=True, slots=True)
class File:
    """One immutable file of the index: `size` bytes at `offset` of the object `pack`."""

    name: str
    pack: str
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One published state of the index.

    `indexed_through` is the time of the newest change in it. `etag` is S3's, of the manifest.
    """

    generation: int
    indexed_through: datetime
    products: int
    meta: str
    files: tuple[File, ...]
    etag: str = ""


class IndexFiles:
    """The index of one schema version in one bucket."""

    def __init__(self, s3: Any, bucket: str, version: str) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, f"index/{version}"
        self._manifest_key = f"{self._prefix}/manifest.json"

    def manifest(self, known: Manifest | None = None) -> Manifest | None:
        """What is published now; `known` itself when that is still it, None for nothing.

        Raises CorruptIndex for a manifest that is none.
        """
        unless = {"IfNoneMatch": known.etag} if known else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._manifest_key, **unless)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 304:
                return known
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return replace(_read(answer["Body"].read()), etag=answer["ETag"])

    def fetch(self, manifest: Manifest, directory: Path, have: Path | None = None) -> None:
        """Bring `directory` (which must exist) to the state of `manifest`, linking the files that
        are in `have` already. Raises CorruptIndex, and nothing of the kind is ever opened then."""
        missing = []
        for file in manifest.files:
            if have is not None and (have / file.name).exists():
                (directory / file.name).hardlink_to(have / file.name)
            else:
                missing.append(file)
        for pack, files in groupby(missing, key=lambda file: file.pack):
            self._fetch_pack(pack, list(files), directory)
        (directory / "meta.json").write_text(manifest.meta, encoding="utf-8")

    def publish(
        self, directory: Path, base: Manifest | None, products: int, through: datetime
    ) -> Manifest:
        """Upload what `base` has not, and make the index in `directory` the published one.

        Raises Conflict when `base` is not what is published any more.
        """
        meta = (directory / "meta.json").read_text(encoding="utf-8")
        kept = {file.name: file for file in (base.files if base else ())}
        live = list(_live(directory, meta))
        packed = self._pack([path for path in live if path.name not in kept])
        files = tuple(kept.get(path.name) or packed[path.name] for path in live)
        generation = base.generation + 1 if base else 1
        manifest = Manifest(generation, through, products, meta, files)
        condition = {"IfMatch": base.etag} if base else {"IfNoneMatch": "*"}
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket,
                Key=self._manifest_key,
                Body=json.dumps(codec.encode(manifest)).encode(),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            # 412: replaced by another; 409: being replaced; 404: deleted under us.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 409, 412):
                raise Conflict from error
            raise
        return replace(manifest, etag=answer["ETag"])

    def sweep(self, manifest: Manifest, now: datetime) -> int:
        """Delete packs that `manifest` does not use and that are old enough; how many."""
        used = {file.pack for file in manifest.files}
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/packs/"
        )
        unused = [
            found["Key"]
            for page in pages
            for found in page.get("Contents", [])
            if found["Key"] not in used and now - found["LastModified"] > _UNREFERENCED_FOR
        ]
        for key in unused:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        return len(unused)

    def _fetch_pack(self, pack: str, files: list[File], directory: Path) -> None:
        first, last = min(f.offset for f in files), max(f.offset + f.size for f in files)
        answer = self._s3.get_object(
            Bucket=self._bucket, Key=pack, Range=f"bytes={first}-{max(last - 1, first)}"
        )
        content = memoryview(answer["Body"].read())
        for file in files:
            part = content[file.offset - first : file.offset - first + file.size]
            if len(part) != file.size or hashlib.sha256(part).hexdigest() != file.sha256:
                raise CorruptIndex(f"{file.name} is not what was published")
            (directory / file.name).write_bytes(part)

    def _pack(self, paths: Iterable[Path]) -> dict[str, File]:
        """Upload files as one object, named by its content so that a repeat changes nothing."""
        contents = {path.name: path.read_bytes() for path in paths}
        if not contents:
            return {}
        pack = b"".join(contents.values())
        key = f"{self._prefix}/packs/{hashlib.sha256(pack).hexdigest()}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=pack)
        files, offset = {}, 0
        for name, content in contents.items():
            digest = hashlib.sha256(content).hexdigest()
            files[name] = File(name, key, offset, len(content), digest)
            offset += len(content)
        return files


def _read(content: bytes) -> Manifest:
    try:
        manifest = codec.decode(Manifest, json.loads(content))
        sound = all(
            _FILE.match(file.name) and type(file.size) is type(file.offset) is int
            for file in manifest.files
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptIndex("the manifest cannot be read") from error
    if not sound or type(manifest.meta) is not str:
        raise CorruptIndex("the manifest names a file that is none of an index")
    return manifest


def _live(directory: Path, meta: str) -> Iterable[Path]:
    """The files of the segments that meta.json names, without those merged or deleted away."""
    deletes = {
        segment["segment_id"].replace("-", ""): (segment.get("deletes") or {}).get("opstamp")
        for segment in json.loads(meta)["segments"]
    }
    for path in sorted(directory.iterdir()):
        name = _FILE.match(path.name)
        if name is None or name[1] not in deletes:
            continue
        if name[2] is None or int(name[2]) == deletes[name[1]]:
            yield path

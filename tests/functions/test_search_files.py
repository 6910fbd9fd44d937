"""The index in S3: what is fetched when, races for the manifest, and damage on the way."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import tantivy_schema
from parcelway.ports.search import Listing, SearchQuery, SearchUnavailable
from parcelway.ports.search_files import Conflict, IndexFiles
from parcelway.ports.search_reader import REFRESH_SECONDS, SearchReader
from parcelway.ports.search_writer import SearchWriter

BUCKET = "search"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Bucket:
    """A bucket in moto that counts what is asked of it, and a clock for readers."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", "us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.calls: Counter[str] = Counter()
        self.seconds = 0.0
        self.s3.meta.events.register("before-call.s3.*", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def files(self) -> IndexFiles:
        return IndexFiles(self.s3, BUCKET, "test")

    def reader(self) -> SearchReader:
        return SearchReader(self.files(), lambda: self.seconds)

    def stored(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [entry["Key"] for entry in found]

    def packs(self) -> set[str]:
        return {key for key in self.stored() if "/packs/" in key}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Bucket()


def listing(number: int, name: str = "green tea") -> Listing:
    return Listing(Product(f"S{number}", f"{name} {number}", Money(100, "USD")), NOW, "in_stock")


def found(reader: SearchReader, text: str = "") -> set[str]:
    page = reader.current().index.search(SearchQuery(text, limit=1000), facets=False)
    return {hit.sku for hit in page.hits}


def test_a_reader_follows_the_writer_and_fetches_only_what_is_new(bucket: Bucket) -> None:
    writer, reader = SearchWriter(bucket.files()), bucket.reader()
    with pytest.raises(SearchUnavailable):
        reader.current()
    writer.update([listing(n) for n in range(500)], [], NOW)
    assert found(reader) == {f"S{n}" for n in range(500)}  # no waiting for the first one
    large = bucket.s3.head_object(Bucket=BUCKET, Key=bucket.packs().pop())["ContentLength"]

    later = NOW + timedelta(seconds=5)
    writer.update([listing(500), listing(0, "black tea")], ["S1"], later)
    assert "S500" not in found(reader)
    bucket.seconds += REFRESH_SECONDS
    bucket.calls.clear()
    assert found(reader) == {f"S{n}" for n in range(501)} - {"S1"}
    assert found(reader, "black") == {"S0"}
    assert bucket.calls == {"GetObject": 2}  # the manifest and the one new pack
    assert reader.current().manifest.indexed_through == later
    sizes = [
        bucket.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] for key in bucket.packs()
    ]
    assert len(sizes) == 2
    assert min(sizes) < large / 3


def test_the_manifest_is_looked_at_once_in_fifteen_seconds(bucket: Bucket) -> None:
    SearchWriter(bucket.files()).update([listing(1)], [], NOW)
    reader = bucket.reader()
    bucket.calls.clear()
    for _ in range(10):
        reader.current()
    assert bucket.calls == {"GetObject": 2}
    opened = reader.current()
    bucket.seconds += REFRESH_SECONDS
    for _ in range(10):
        assert reader.current() is opened  # 304: nothing fetched, nothing opened
    assert bucket.calls == {"GetObject": 3}


def test_writers_that_race_lose_nothing(bucket: Bucket) -> None:
    """Each has its own copy; whoever is late starts again from what the other published."""
    one, other = SearchWriter(bucket.files()), SearchWriter(bucket.files())
    for number in range(6):
        one.update([listing(2 * number)], [], NOW)
        other.update([listing(2 * number + 1)], [], NOW)
    assert found(bucket.reader()) == {f"S{n}" for n in range(12)}


def test_writers_in_parallel_lose_nothing(bucket: Bucket) -> None:
    def write(first: int) -> None:
        writer = SearchWriter(bucket.files())
        for number in range(first, first + 4):
            for _ in range(50):
                try:
                    writer.update([listing(number)], [], NOW)
                    break
                except Conflict:
                    continue

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(bucket.reader()) == {f"S{a + b}" for a in (0, 10, 20) for b in range(4)}


def test_a_stale_base_is_never_published(bucket: Bucket, tmp_path: Any) -> None:
    files = bucket.files()
    SearchWriter(files).update([listing(1)], [], NOW)
    base = files.manifest()
    SearchWriter(files).update([listing(2)], [], NOW)
    index = tantivy_schema.open_index(str(tmp_path))
    tantivy_schema.write(index, [listing(3)])
    for stale in (base, None):
        with pytest.raises(Conflict):
            files.publish(tmp_path, stale, 1, NOW)
    assert found(bucket.reader()) == {"S1", "S2"}


def test_a_damaged_pack_is_refused_and_the_old_index_serves_on(bucket: Bucket) -> None:
    writer, reader = SearchWriter(bucket.files()), bucket.reader()
    writer.update([listing(1)], [], NOW)
    assert found(reader) == {"S1"}
    before = bucket.packs()
    writer.update([listing(2)], [], NOW)
    (pack,) = bucket.packs() - before
    sound = bucket.s3.get_object(Bucket=BUCKET, Key=pack)["Body"].read()
    for damaged in (
        sound[:-1],
        bytes([sound[0] ^ 1]) + sound[1:],
        sound[:-1] + bytes([sound[-1] ^ 1]),
    ):
        bucket.s3.put_object(Bucket=BUCKET, Key=pack, Body=damaged)
        bucket.seconds += REFRESH_SECONDS
        assert found(reader) == {"S1"}
        with pytest.raises(SearchUnavailable):
            bucket.reader().current()
    bucket.s3.delete_object(Bucket=BUCKET, Key=pack)
    bucket.seconds += REFRESH_SECONDS
    assert found(reader) == {"S1"}
    bucket.s3.put_object(Bucket=BUCKET, Key=pack, Body=sound)
    bucket.seconds += REFRESH_SECONDS
    assert found(reader) == {"S1", "S2"}


@pytest.mark.parametrize(
    "break_it",
    [
        lambda _: b"",
        lambda _: b"{}",
        lambda _: b"[1]",
        lambda good: json.dumps(good | {"files": [1]}).encode(),
        lambda good: json.dumps(good | {"meta": 1}).encode(),
        lambda good: json.dumps(good | {"meta": "{}"}).encode(),
        lambda good: json.dumps(good | {"products": 7}).encode(),
        lambda good: json.dumps(good | {"files": good["files"][:-1]}).encode(),
        lambda good: json.dumps(
            good | {"files": [good["files"][0] | {"name": "../../etc/passwd"}]}
        ).encode(),
    ],
)
def test_a_manifest_that_is_none_changes_nothing(bucket: Bucket, break_it: Any) -> None:
    writer, reader = SearchWriter(bucket.files()), bucket.reader()
    writer.update([listing(1)], [], NOW)
    assert found(reader) == {"S1"}
    key = "index/test/manifest.json"
    good = json.loads(bucket.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    bucket.s3.put_object(Bucket=BUCKET, Key=key, Body=break_it(good))
    bucket.seconds += REFRESH_SECONDS
    assert found(reader) == {"S1"}
    with pytest.raises(SearchUnavailable):
        bucket.reader().current()


def test_a_bucket_that_fails_is_no_reason_to_stop(bucket: Bucket) -> None:
    SearchWriter(bucket.files()).update([listing(1)], [], NOW)
    reader = bucket.reader()
    assert found(reader) == {"S1"}
    for key in bucket.stored():
        bucket.s3.delete_object(Bucket=BUCKET, Key=key)
    bucket.s3.delete_bucket(Bucket=BUCKET)
    bucket.seconds += REFRESH_SECONDS
    assert found(reader) == {"S1"}


def test_a_rebuild_replaces_everything_and_sweeps_later(bucket: Bucket) -> None:
    writer, reader = SearchWriter(bucket.files()), bucket.reader()
    for number in range(20):
        writer.update([listing(number)], [], NOW)
    opened = reader.current()
    old = bucket.packs()
    manifest = writer.rebuild(lambda: [listing(n, "oolong") for n in range(5)], datetime.now(UTC))
    assert old <= bucket.packs()  # somebody may still be fetching them
    assert {hit.sku for hit in opened.index.search(SearchQuery(limit=50)).hits} == {
        f"S{n}" for n in range(20)
    }
    bucket.seconds += REFRESH_SECONDS
    assert found(reader) == found(reader, "oolong") == {f"S{n}" for n in range(5)}
    files = bucket.files()
    assert files.sweep(manifest, datetime.now(UTC)) == 0
    assert files.sweep(manifest, datetime.now(UTC) + timedelta(hours=2)) == len(old)
    assert found(bucket.reader()) == {f"S{n}" for n in range(5)}


def test_merged_segments_leave_the_manifest(bucket: Bucket) -> None:
    """Many small commits do not pile up: tantivy merges, and what it merged is named no more."""
    writer = SearchWriter(bucket.files())
    for number in range(40):
        manifest = writer.update([listing(number)], [], NOW)
    segments = {file.name.split(".")[0] for file in manifest.files}
    assert len(segments) < 20
    assert found(bucket.reader()) == {f"S{n}" for n in range(40)}

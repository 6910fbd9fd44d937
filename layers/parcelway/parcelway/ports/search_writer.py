"""Changing the published index: bring the local copy up to date, write, publish, or start over."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from parcelway.ports import tantivy_schema
from parcelway.ports.search import Listing
from parcelway.ports.search_files import Conflict, IndexFiles, Manifest

_TRIES = 5


class SearchWriter:
    """One container's scratch copy of the index, kept between calls while nobody else publishes."""

    def __init__(self, files: IndexFiles) -> None:
        self._files = files
        self._home = tempfile.TemporaryDirectory(prefix="search-indexer-")
        self._scratch: tuple[Manifest, Path] | None = None  # what was published last, and where

    @property
    def published(self) -> bool:
        """Whether there is an index at all."""
        return self._newest() is not None

    def update(
        self, upserts: Sequence[Listing], deletes: Sequence[str], through: datetime
    ) -> Manifest:
        """Put listings and drop SKUs in the published index; `through` is the newest change's time.

        Repeating it leaves the same index and publishes nothing. Raises Conflict when others keep
        publishing.
        """
        for _ in range(_TRIES):
            base = self._newest()
            directory = self._at(base)
            newest = max(through, base.indexed_through) if base else through
            try:
                return self._publish(directory, base, upserts, deletes, newest)
            except Conflict:
                continue
        raise Conflict

    def rebuild(self, listings: Callable[[], Iterable[Listing]], now: datetime) -> Manifest:
        """Replace the published index by a new one of all `listings`; what nobody refers to any
        more is removed from the bucket. Raises Conflict when others keep publishing."""
        for _ in range(_TRIES):
            base = self._files.manifest()
            directory = self._fresh()
            try:
                manifest = self._publish(directory, base, listings(), (), now)
            except Conflict:
                continue
            self._files.sweep(manifest, now)
            return manifest
        raise Conflict

    def _newest(self) -> Manifest | None:
        return self._files.manifest(self._scratch[0] if self._scratch else None)

    def _publish(
        self,
        directory: Path,
        base: Manifest | None,
        upserts: Iterable[Listing],
        deletes: Sequence[str],
        through: datetime,
    ) -> Manifest:
        # From here on the copy is ahead of what is published: of use again only once that worked.
        self._scratch = None
        index = tantivy_schema.open_index(str(directory))
        if not tantivy_schema.write(index, upserts, deletes) and base is not None:
            self._scratch = (base, directory)
            return base
        products = int(index.searcher().num_docs)
        manifest = self._files.publish(directory, base, products, through)
        self._scratch = (manifest, directory)
        return manifest

    def _at(self, base: Manifest | None) -> Path:
        """A directory with the index as published."""
        if base is not None and self._scratch is not None and self._scratch[0] is base:
            return self._scratch[1]
        directory = self._fresh()
        if base is not None:
            self._files.fetch(base, directory)
        return directory

    def _fresh(self) -> Path:
        for left in Path(self._home.name).iterdir():
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._home.name))

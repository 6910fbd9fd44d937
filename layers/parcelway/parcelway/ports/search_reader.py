"""The published index, kept open and fresh: looked for at most every 15 seconds, swapped whole."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from parcelway.ports import tantivy_schema
from parcelway.ports.faults import told
from parcelway.ports.search import SearchUnavailable
from parcelway.ports.search_files import CorruptIndex, IndexFiles, Manifest
from parcelway.ports.tantivy_index import TantivyIndex
from parcelway.values import dataclass

REFRESH_SECONDS = 15.0
_FAILURES = (ClientError, BotoCoreError, CorruptIndex, OSError, ValueError)  # tantivy: ValueError
_logger = Logger(service="search", child=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that answers, and the published state it is."""

    index: TantivyIndex
    manifest: Manifest
    directory: Path


class SearchReader:
    """One container's copy of the index."""

    def __init__(self, files: IndexFiles, monotonic: Callable[[], float] | None = None) -> None:
        self._files, self._monotonic = files, monotonic or time.monotonic
        self._home = tempfile.TemporaryDirectory(prefix="search-")
        self._opened: Opened | None = None
        self._look_again = float("-inf")
        self._lock = threading.Lock()

    def current(self) -> Opened:
        """The newest index that could be fetched, at most 15 seconds behind what is published.

        A failed refresh keeps the one that is open. Raises SearchUnavailable when there is none.
        """
        with self._lock:
            if self._monotonic() >= self._look_again:
                self._refresh()
            if self._opened is None:
                raise SearchUnavailable("no index is published yet")
            return self._opened

    def _refresh(self) -> None:
        known = self._opened.manifest if self._opened else None
        try:
            manifest = self._files.manifest(known)
            if manifest is not None and manifest is not known:
                self._swap(manifest)
        except _FAILURES as error:
            _logger.warning("the search index could not be refreshed", **told(error))
            if self._opened is None:
                raise SearchUnavailable("the index could not be fetched") from error
        if self._opened is not None:  # until there is one, look at every call
            self._look_again = self._monotonic() + REFRESH_SECONDS

    def _swap(self, manifest: Manifest) -> None:
        """Fetch and open beside the open one, then take its place."""
        before = self._opened.directory if self._opened else None
        directory = Path(tempfile.mkdtemp(dir=self._home.name))
        try:
            self._files.fetch(manifest, directory, before)
            index = TantivyIndex(tantivy_schema.open_index(str(directory)))
            if index.products != manifest.products:
                raise CorruptIndex(f"{index.products} products, not {manifest.products}")
        except _FAILURES:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self._opened = Opened(index, manifest, directory)
        if before is not None:
            # Searches that still run on it have its files mapped; their content outlives the names.
            shutil.rmtree(before, ignore_errors=True)

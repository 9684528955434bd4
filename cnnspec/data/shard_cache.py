"""What large shards hold is looked up once, and kept in the user's cache folder until they change.

Reading a header at a time, a disk takes as long as for most of the shard.
"""

import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs

from cnnspec.data import shard
from cnnspec.data.own import Complaints
from cnnspec.data.shard import Shard

LEAST = 1000
"""Samples of a shard that is worth it."""

VERSION = 1
"""Of what is kept; with another one, it is not found."""


def read(path: Path, name: str, complaints: Complaints) -> Shard:
    """Return a shard's samples, from the cache if it is as it was; see `shard.read`.

    A shard that has anything to complain of is not kept.
    """
    try:
        status = path.stat()
    except OSError:
        return shard.read(path, name, complaints)
    key = f"{VERSION}/{path.resolve()}/{status.st_size}/{status.st_mtime_ns}"
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    kept = Path(platformdirs.user_cache_dir("cnnspec", appauthor=False)) / "shards" / f"{digest[:32]}.npz"
    found = _loaded(kept)
    if found is None:
        counts = complaints.counts.copy()
        found = shard.read(path, name, complaints)
        if len(found.names) >= LEAST and complaints.counts == counts:
            _keep(kept, found)
    return found


def _keep(path: Path, found: Shard) -> None:
    """Write a shard's samples to the cache; where that cannot be, they are looked up again."""
    text, ends = found.names.arrays()
    words = "\n".join(found.words).encode("utf-8")
    stream = io.BytesIO()
    np.savez(
        stream,
        text=text,
        ends=ends,
        offsets=np.asarray(found.offsets),
        sizes=np.asarray(found.sizes),
        labels=np.asarray(found.labels),
        words=np.frombuffer(words, np.uint8),
        digest=np.frombuffer(found.digest, np.uint8),
    )
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            new.write_bytes(stream.getvalue())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


def _loaded(path: Path) -> Shard | None:
    """Return what was kept; nothing where there is none, or it cannot be read."""
    found = Shard()
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            found.names.take(kept["text"], kept["ends"])
            found.offsets.frombytes(kept["offsets"].tobytes())
            found.sizes.frombytes(kept["sizes"].tobytes())
            found.labels.frombytes(kept["labels"].tobytes())
            found.words = kept["words"].tobytes().decode("utf-8").split("\n")
            found.digest = kept["digest"].tobytes()
    except Exception:  # noqa: BLE001  # whatever is wrong with it, the shard itself is there
        return None
    return found

"""How long damaged files of the zoo, and texts made to grow without bound, keep a reader busy."""

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, parser, report

import cnnspec
from cnnspec.errors import SpecError

sys.path.append(str(ROOT / "tests"))
from bombs import BOMBS  # the tests hold the same texts
from mutations import mutations

TARGET = 1.0
DAMAGED = 5_000
SHOWN = 5


def main() -> int:
    """Read them all, show the slowest, and say whether each takes less than the target."""
    chosen = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        damaged = [
            _row(f"damaged {name}, number {number}", path, text)
            for number, (name, text) in enumerate(mutations(DAMAGED))
        ]
        bombs = [_row(name, path, text.encode()) for name, (text, _) in BOMBS.items()]
    rows = [row for group in (damaged, bombs) for row in sorted(group, key=lambda r: -r["s"])[:SHOWN]]
    reached = max(row["s"] for row in rows) < TARGET
    title = f"The slowest of {DAMAGED:,} damaged files and {len(BOMBS)} bombs"
    report(title, rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


def _row(name: str, path: Path, text: bytes) -> dict[str, Any]:
    path.write_bytes(text)
    started = time.perf_counter()
    with contextlib.suppress(SpecError):
        cnnspec.load(path).plan()
    return {"text": name, "KB": len(text) // 1000, "s": time.perf_counter() - started}


if __name__ == "__main__":
    sys.exit(main())

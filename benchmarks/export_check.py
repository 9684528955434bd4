"""Networks of the zoo as ONNX files and as those of torch.export, each run beside the network itself.

Of each file in `specs/` it takes the variant with the fewest parameters, or with --all every one. The
weights are drawn at random, so that each of them tells. A difference is the largest of any output,
relative to the largest output.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, parser, report

from cnnspec.errors import CnnspecError, SpecError
from cnnspec.exporting import onnx, pt2
from cnnspec.exporting.network import Network
from cnnspec.exporting.program import Program
from cnnspec.exporting.verify import TOLERANCE
from cnnspec.spec import load_family

sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "zoo")]
from exports import FILES, shaken, smallest  # the tests hold the same networks

MB = 1e6


def main() -> int:
    """Print a row per network and say whether all files compute what the networks do."""
    options = parser(__doc__)
    options.add_argument("--all", action="store_true", help="every variant of each file")
    options.add_argument(
        "--preprocess", action="store_true", help="with the preparation of pictures, of those that take some"
    )
    options.add_argument("files", nargs="*", metavar="NAME", help="files of specs/; all if none is named")
    chosen = options.parse_args()
    rows = []
    for file in FILES:
        if not chosen.files or file.stem in chosen.files:
            for spec in load_family(file) if chosen.all else [smallest(file)]:
                network = shaken(spec)
                try:
                    program = Program.of(network, preprocess=chosen.preprocess)
                except SpecError as error:  # it takes no pictures, and so there is nothing to be prepared
                    print(error, file=sys.stderr)
                    continue
                rows.append(_row(network, program))
                print(rows[-1], file=sys.stderr, flush=True)
    reached = all(isinstance(row[f"{form} difference"], float) for row in rows for form in ("onnx", "pt2"))
    report("Exported networks", rows, chosen.json, tolerance=TOLERANCE, reached=reached)
    return 0 if reached else 1


def _row(network: Network, program: Program) -> dict[str, Any]:
    row: dict[str, Any] = {"network": network.plan.name, "parameters": f"{network.plan.params:,}"}
    for name, write in (("onnx", onnx.write), ("pt2", pt2.write)):
        with tempfile.TemporaryDirectory() as folder:
            path, begun = Path(folder) / f"network.{name}", time.perf_counter()
            try:
                found = write(network, program, path)
            except CnnspecError as error:
                row |= {f"{name} seconds": 0.0, f"{name} MB": 0.0, f"{name} difference": str(error)}
                continue
            row |= {
                f"{name} seconds": round(time.perf_counter() - begun, 1),
                f"{name} MB": round(path.stat().st_size / MB, 1),
                f"{name} difference": found.difference / found.largest,
            }
    return row


if __name__ == "__main__":
    sys.exit(main())

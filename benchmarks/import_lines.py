"""The networks of torchvision, imported: the lines of each file beside those of the one written by hand.

The table is Markdown. A file of ours holds a whole family, so its lines are those of all its variants
together. `difference` is the largest of any output with the module's weights carried over, beside the
largest output; a network is equal if its parameters and MACs are those of the file written by hand, too.
"""

import gc
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torchvision
from common import ROOT, parser, save

import cnnspec
from cnnspec.importing.proof import differs

sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "zoo")]
from shaken import shake
from torchvision_zoo import FILES, NETWORKS, OPTIONS, SIZE, Network  # the tests hold the same list

TARGET = 1e-5


def main() -> int:
    """Print a row per network and say whether all are the module's."""
    options = parser(__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="networks to import; all if none is named")
    chosen = options.parse_args()
    rows = []
    for network in NETWORKS:
        if not chosen.names or network.name in chosen.names:
            rows.append(_row(network))
            _print_row(rows[-1], first=len(rows) == 1)
            gc.collect()  # the largest takes gigabytes
    reached = all(row["equal"] for row in rows)
    print(f"\n{sum(row['equal'] for row in rows)} of {len(rows)} are the module's network.")
    save("Imports of torchvision's networks", rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


def _row(network: Network) -> dict[str, Any]:
    torch.manual_seed(0)
    module = torchvision.models.get_model(network.name, weights=None, **OPTIONS.get(network.name, {}))
    shape = (3, SIZE, SIZE)
    shake(module, shape)
    imported = cnnspec.from_module(module, shape, network.name)
    plan, by_hand = replace(imported, input=network.spec().input).plan(), network.spec().plan()
    apart = differs(module, imported)
    same = (plan.params, plan.macs) == (by_hand.params, by_hand.macs)
    return {
        "network": network.name,
        "imported": len(imported.text.splitlines()),
        "by hand": len(Path(network.file).read_text("utf-8").splitlines()),
        "variants there": len(FILES[network.file.stem]),
        "parameters": plan.params,
        "MACs": plan.macs,
        "difference": apart,
        "equal": same and apart is not None and apart < TARGET,
    }


def _print_row(row: dict[str, Any], *, first: bool) -> None:
    if first:
        print("| " + " | ".join(row) + " |")
        print("| " + " | ".join("---" if isinstance(v, str) else "---:" for v in row.values()) + " |")
    shown = row | {
        "parameters": f"{row['parameters']:,}",
        "MACs": f"{row['MACs']:,}",
        "difference": f"{row['difference']:.0e}" if row["difference"] else "0",
        "equal": "yes" if row["equal"] else "no",
    }
    print("| " + " | ".join(str(v) for v in shown.values()) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

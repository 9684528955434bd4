"""The networks of the zoo beside torchvision's: parameters, MACs, and outputs with the same weights.

The table is Markdown. GMACs are for a picture of the size that the spec names; `published` is
torchvision's figure. The difference is the largest of any output, relative to how far the outputs
for two random pictures are from each other.
"""

import sys
from pathlib import Path
from typing import Any

from common import ROOT, parser, save

sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "zoo")]
from torchvision_zoo import NETWORKS, Network, difference  # the tests hold the same list

TARGET = 1e-4


def main() -> int:
    """Print a row per network and say whether all are torchvision's."""
    options = parser(__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="networks to compare; all if none is named")
    chosen = options.parse_args()
    rows = []
    for network in NETWORKS:
        if not chosen.names or network.name in chosen.names:
            rows.append(_row(network))
            _print_row(rows[-1], first=len(rows) == 1)
    reached = all(row["equal"] for row in rows)
    print(f"\n{sum(row['equal'] for row in rows)} of {len(rows)} are torchvision's.")
    save("The zoo beside torchvision", rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


def _row(network: Network) -> dict[str, Any]:
    plan = network.spec().plan()
    params, published = network.published()
    gmacs, apart = round(plan.macs / 1e9, 3), difference(network)
    return {
        "network": network.name,
        "spec": network.file.name,
        "lines": len(Path(network.file).read_text("utf-8").splitlines()),
        "parameters": plan.params,
        "GMACs": gmacs,
        "published": published,
        "difference": apart,
        "equal": plan.params == params and gmacs == published and apart < TARGET,
    }


def _print_row(row: dict[str, Any], *, first: bool) -> None:
    if first:
        print("| " + " | ".join(row) + " |")
        print("| " + " | ".join("---" if isinstance(v, str) else "---:" for v in row.values()) + " |")
    shown = row | {
        "parameters": f"{row['parameters']:,}",
        "GMACs": f"{row['GMACs']:.3f}",
        "published": f"{row['published']:.3f}",
        "difference": f"{row['difference']:.0e}" if row["difference"] else "0",
        "equal": "yes" if row["equal"] else "no",
    }
    print("| " + " | ".join(str(v) for v in shown.values()) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

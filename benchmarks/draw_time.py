"""`cnnspec draw` of EfficientNet-B7 as a whole process, in each style, beside `cnnspec summary`."""

import sys
import tempfile
from pathlib import Path

from common import ROOT, median, parser, process_times, report

TARGET = 1.0
RUNS = 11
B7 = f"{ROOT / 'specs' / 'efficientnet.yaml'}@efficientnet_b7"


def main() -> int:
    """Time all in turn and say whether the target is reached."""
    chosen = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(sys.executable).with_name("cnnspec"))
        draw = [program, "draw", B7, "-o"]
        times = process_times(
            {
                "python -c pass": [sys.executable, "-c", "pass"],
                "cnnspec summary": [program, "summary", B7],
                "cnnspec draw, SVG in style blocks": [*draw, f"{folder}/blocks.svg"],
                "cnnspec draw, SVG in style volumes": [*draw, f"{folder}/volumes.svg", "--style", "volumes"],
                "cnnspec draw, PNG": [*draw, f"{folder}/blocks.png"],
                "cnnspec draw, PDF": [*draw, f"{folder}/blocks.pdf"],
            },
            RUNS,
        )
    rows = [{"process": n, "min s": min(t), "median s": median(t), "max s": max(t)} for n, t in times.items()]
    reached = all(median(t) <= TARGET for name, t in times.items() if "SVG" in name)
    title = f"Pictures of efficientnet_b7 as whole processes, {RUNS} runs in turn"
    report(title, rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

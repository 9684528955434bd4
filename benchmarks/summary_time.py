"""`cnnspec summary` as a whole process: of 150 layers, and of EfficientNet-B7 beside torchinfo."""

import sys
import tempfile
from pathlib import Path

from common import ROOT, median, parser, process_times, report

TARGETS = {"150 layers": 0.35, "efficientnet_b7": 0.5}
FASTER = 10
RUNS = 11

TORCHINFO = """
import torchinfo, torchvision
torchinfo.summary(torchvision.models.efficientnet_b7(), (1, 3, 600, 600))
"""


def main() -> int:
    """Time all in turn and say whether the targets are reached."""
    chosen = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "deep.yaml"
        block = "  - conv: {filters: 16, kernel: 3, padding: 1}\n  - batchnorm\n  - relu\n"
        spec.write_text("input: [3, 64, 64]\nlayers:\n" + 50 * block)
        program = str(Path(sys.executable).with_name("cnnspec"))
        b7 = f"{ROOT / 'specs' / 'efficientnet.yaml'}@efficientnet_b7"
        times = process_times(
            {
                "python -c pass": [sys.executable, "-c", "pass"],
                "cnnspec summary, 150 layers": [program, "summary", str(spec)],
                "cnnspec summary, efficientnet_b7": [program, "summary", b7],
                "torchinfo, efficientnet_b7": [sys.executable, "-c", TORCHINFO],
            },
            RUNS,
        )
    rows = [{"process": n, "min s": min(t), "median s": median(t), "max s": max(t)} for n, t in times.items()]
    faster = median(times["torchinfo, efficientnet_b7"]) / median(times["cnnspec summary, efficientnet_b7"])
    reached = faster >= FASTER and all(
        median(times[f"cnnspec summary, {name}"]) <= target for name, target in TARGETS.items()
    )
    title = f"Summaries as whole processes, {RUNS} runs in turn"
    facts = {"targets": TARGETS, "times torchinfo's speed": round(faster, 1), "of at least": FASTER}
    report(title, rows, chosen.json, **facts, reached=reached)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

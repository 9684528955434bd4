"""`cnnspec summary` of a 150-layer file, as a whole process, beside an empty Python process."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import median, parser, report

TARGET = 0.35
RUNS = 21


def main() -> int:
    """Time both in turn and say whether the target is reached."""
    chosen = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "deep.yaml"
        block = "  - conv: {filters: 16, kernel: 3, padding: 1}\n  - batchnorm\n  - relu\n"
        spec.write_text("input: [3, 64, 64]\nlayers:\n" + 50 * block)
        program = str(Path(sys.executable).with_name("cnnspec"))
        commands = {
            "cnnspec summary": [program, "summary", str(spec)],
            "python -c pass": [sys.executable, "-c", "pass"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                times[name].append(time.perf_counter() - started)
    rows = [{"process": n, "min s": min(t), "median s": median(t), "max s": max(t)} for n, t in times.items()]
    reached = median(times["cnnspec summary"]) <= TARGET
    report(f"Summary of 150 layers, {RUNS} runs in turn", rows, chosen.json, target=TARGET, reached=reached)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

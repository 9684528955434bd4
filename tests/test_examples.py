"""What lies in examples/ works and stays short."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPT = EXAMPLES / "train_lenet5.py"


def test_python_example(tmp_path: Path) -> None:
    """The script does with the Python API what the command line does, up to recognizing a digit."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "https_proxy": "http://127.0.0.1:9",
        "CNNSPEC_DATA": "",
    }
    environment |= {
        "http_proxy": "http://127.0.0.1:9",
        "XDG_CACHE_HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, str(SCRIPT), "2"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "61,750 parameters, 416,520 MACs" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("digit.png shows 5")


def test_python_example_is_short() -> None:
    """The script has fewer than 40 lines."""
    assert len(SCRIPT.read_text().splitlines()) < 40

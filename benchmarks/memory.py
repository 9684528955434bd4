"""Memory for training, as `cnnspec summary` predicts it, beside what torch allocates.

Each network takes two steps of training with Adam, as the trainer takes them, in a process of
its own. `measured` is the most that torch's allocator had given out at any moment, by its own
count. `process` is how much the process grew, in another run without the profiler: what
the system had to provide, with all that torch, its libraries and the C library keep besides.
"""

import json
import resource
import subprocess
import sys
from typing import Any

from common import ROOT, median, parser, report

import cnnspec
from cnnspec.memory import predict

sys.path.append(str(ROOT / "tests"))
from torch_memory import train, training_peak  # the tests hold small networks to it, too

MIB = 1024**2
TARGET = 0.2
NETWORKS = {
    "lenet5.yaml": 512,
    "allconv.yaml": 512,
    "conv1d.yaml": 512,
    "conv3d.yaml": 32,
    "alexnet.yaml": 32,
    "vgg.yaml@vgg11": 4,
    "vgg.yaml@vgg16_bn": 4,
    "googlenet.yaml": 16,
    "inception_v3.yaml": 8,
    "resnet.yaml@resnet18": 16,
    "resnet.yaml@resnet50": 8,
    "resnet.yaml@resnext50_32x4d": 8,
    "se_resnet.yaml@se_resnet50": 8,
    "densenet.yaml@densenet121": 8,
    "squeezenet.yaml@squeezenet1_0": 16,
    "mobilenet_v2.yaml": 16,
    "mobilenet_v3.yaml@mobilenet_v3_large": 16,
    "mnasnet.yaml@mnasnet1_0": 16,
    "shufflenet_v2.yaml@shufflenet_v2_x1_0": 16,
    "efficientnet.yaml@efficientnet_b0": 8,
    "efficientnet_v2.yaml@efficientnet_v2_s": 4,
    "regnet.yaml@regnet_y_3_2gf": 8,
    "convnext.yaml@convnext_tiny": 8,
    "unet.yaml": 2,
}
"""Networks of the zoo with the batch that each is given; pictures have the size that the spec says."""


def main() -> int:
    """Print a row per network and say whether every prediction is as near as it should be."""
    options = parser(__doc__)
    options.add_argument("--only", metavar="SPEC", help="measure this one and print its figures as JSON")
    options.add_argument("--plainly", action="store_true", help="with --only: without the profiler")
    chosen = options.parse_args()
    if chosen.only:
        plan = cnnspec.load(ROOT / "specs" / chosen.only).plan()
        measure = _growth if chosen.plainly else training_peak
        print(json.dumps(measure(plan, NETWORKS[chosen.only])))
        return 0
    rows = [_row(name, batch) for name, batch in NETWORKS.items()]
    furthest = max(abs(row["ratio"] - 1) for row in rows)
    facts = {
        "median ratio": median([row["ratio"] for row in rows]),
        "furthest from 1": round(furthest, 3),
        "target": TARGET,
        "reached": furthest <= TARGET,
    }
    report("Memory for training, in MiB", rows, chosen.json, **facts)
    return 0 if furthest <= TARGET else 1


def _row(name: str, batch: int) -> dict[str, Any]:
    plan = cnnspec.load(ROOT / "specs" / name).plan()
    predicted, measured, process = predict(plan).peak(batch), _child(name), _child(name, "--plainly")
    return {
        "network": plan.name,
        "batch": batch,
        "predicted": round(predicted / MIB),
        "measured": round(measured / MIB),
        "ratio": round(predicted / measured, 3),
        "process": round(process / MIB),
    }


def _child(name: str, *options: str) -> int:
    command = [sys.executable, __file__, "--only", name, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return int(json.loads(done.stdout))


def _growth(plan: cnnspec.Plan, batch: int) -> int:
    """Return the bytes by which two steps make this process larger than it has ever been."""
    before = _largest()
    train(plan, batch)
    return _largest() - before


def _largest() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main())

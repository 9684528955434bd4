"""What the command line does, in Python: check, sum up, train, evaluate, predict.

Run it from the project's folder: python examples/train_lenet5.py [EPOCHS]
"""

import sys
import tempfile
from pathlib import Path

import cnnspec

HERE = Path(__file__).parent


def main(epochs: int) -> None:
    """Train LeNet-5 and recognize a digit."""
    spec = cnnspec.load(HERE.parent / "specs" / "lenet5.yaml")
    plan = spec.plan()
    for layer in plan.layers:
        print(f"{layer.path:<12} {'×'.join(map(str, layer.output)):<10} {layer.params:>8,} parameters")
    print(f"{plan.params:,} parameters, {plan.macs:,} MACs")

    with tempfile.TemporaryDirectory() as folder:
        result = cnnspec.train(spec, out=folder, epochs=epochs)
        for row in result.history:
            print(f"epoch {row['epoch']} on {row['dataset']}: accuracy {row['test_accuracy']:.4f}")
        run = cnnspec.load_run(folder)
        prediction = run.predict(HERE / "digit.png")
        print(f"digit.png shows {prediction.label}, with probability {prediction.probability:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

"""What is exported: the network of a run, or of a spec as its training would begin."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnspec import __version__
from cnnspec.exporting.paths import beside
from cnnspec.language.data import Normalize
from cnnspec.language.yaml_text import to_yaml
from cnnspec.plan import Plan
from cnnspec.plugins.origins import NOTE, origins
from cnnspec.spec import Spec
from cnnspec.training import Reporter, Run, pretrained


@dataclass(frozen=True, slots=True)
class Network:
    """A network on the CPU and in evaluation mode.

    `facts` are what its file tells beside it, each a text under a name. `weights` says where the weights are
    from, and `statistics` how its pictures are normalized, None where that is not known.
    """

    plan: Plan
    model: nn.Module
    facts: dict[str, str]
    weights: str
    statistics: Normalize | None

    @classmethod
    def of(cls, source: Spec | Run, folder: Path = Path()) -> "Network":
        """Return the network of a run with the weights of its best epoch, or that of a spec.

        The latter is as its training would begin: initialized with the spec's seed, or with the weights
        that it names. The file will be in `folder`, from which the paths in its spec count. Raises
        SpecError, CheckpointError.
        """
        return _trained(source, folder) if isinstance(source, Run) else _initialized(source, folder)


def _trained(run: Run, folder: Path) -> Network:
    epoch, accuracy = run.best_epoch, run.record.accuracy
    facts: dict[str, Any] = {"epoch": epoch, "classes": run.classes, "digits": run.digits}
    if accuracy is not None:
        facts["test_accuracy"] = accuracy
    statistics = run.plan.spec.data.statistics(run.plan.input_shape)
    told = _told(run.plan, facts, statistics, folder)
    return Network(run.plan, run.model, told, f"epoch {epoch}", statistics)


def _initialized(spec: Spec, folder: Path) -> Network:
    spec = pretrained.named(spec.located())
    plan, seed = spec.plan(), spec.train.seed
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = plan.build()
    weights = f"initialized with seed {seed}"
    if spec.train.weights:
        pretrained.fill(spec, model, Reporter())
        weights = f"weights {spec.train.weights}"
    known = spec.data.known() if spec.data_given else None
    facts: dict[str, Any] = {"seed": seed}
    if known and plan.output_shape == (len(known.classes),):
        facts |= {"classes": known.classes, "digits": known.digits}
    statistics = spec.data.normalize or pretrained.statistics(spec)
    if statistics is None and spec.data_given:
        statistics = spec.data.statistics(spec.input)
    if statistics is not None:
        plan = replace(plan, spec=spec.normalized(statistics.mean, statistics.std))
    return Network(plan, model.eval(), _told(plan, facts, statistics, folder), weights, statistics)


def _told(plan: Plan, facts: dict[str, Any], statistics: Normalize | None, folder: Path) -> dict[str, str]:
    """Return all facts as texts: the spec as YAML, and all else as JSON."""
    resolved = plan.spec.resolved()
    if not plan.spec.data_given:
        del resolved["data"]  # a default that the spec does not mean
    if statistics is not None:
        facts |= {"mean": statistics.mean, "std": statistics.std}
    foreign = origins(step.type for step in plan.layers)
    if foreign:
        facts |= {NOTE: foreign}
    values = {name: json.dumps(value) for name, value in facts.items()}
    return {"cnnspec": __version__, "spec": to_yaml(beside(resolved, folder))} | values

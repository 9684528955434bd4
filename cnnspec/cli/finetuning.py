"""What training begins with and which parts of the network learn, as it is told before training."""

from collections.abc import Iterator

from cnnspec.plan import Plan
from cnnspec.training.reporter import Job


def fine_tuning(job: Job) -> Iterator[str]:
    """Yield the lines on weights, frozen parts and their learning rates; none for a usual training."""
    first, *others = job.weights or ("",)
    if first:
        yield f"Begins with {first}"
    yield from (f"  {line}" for line in others)
    if job.plan.spec.train.freeze:
        yield f"Frozen: {frozen(job.plan)}"
    if job.plan.spec.train.lr_scale:
        yield f"Learning rate times {scales(job.plan)}"


def frozen(plan: Plan) -> str:
    """Return what is frozen; empty for nothing."""
    parts = ", ".join(plan.spec.train.freeze or ())
    number = plan.params - plan.trainable
    return f"{parts}; {number:,} of {plan.params:,} parameters stay as they are" if parts else ""


def scales(plan: Plan) -> str:
    """Return where the learning rate is multiplied by what; empty for nowhere."""
    return ", ".join(f"{scale:g} in {part}" for part, scale in (plan.spec.train.lr_scale or {}).items())

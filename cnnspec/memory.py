"""The memory that training needs, predicted from the shapes alone, without torch.

A step of training is walked through as PyTorch runs it, tensor by tensor, for float32 on the
CPU. The forward pass makes an output per layer; it is freed once nobody needs it any more,
and what autograd keeps for the backward pass (`Layer.kept`) is needed until then. A tensor
that two layers keep, as relu's output and the next convolution's input, counts once. The
backward pass goes back through the same steps: each makes the gradients of its inputs and
weights, then what was kept for it is freed.

In it are weights and buffers, a moving average of them, what the optimizer keeps, the
gradients of the weights (those of the step before until the forward pass is over), the
batch, all that layers and loss make, and the copies that convolutions and optimizers work
on. Weights that are frozen have no gradient, and the optimizer keeps nothing for
them. Not in it are other working memory within a layer, the data set, and Python and torch
themselves.
`benchmarks/memory.py` holds it to what torch allocates.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnspec.language.training import SGD, Muon, RMSprop, Train
from cnnspec.layers.base import FLOAT_BYTES, Kept
from cnnspec.plan import Plan, Step
from cnnspec.shape import Shape, volume


class Moment(NamedTuple):
    """Bytes in use at some moment of a step: those for any batch, and those for each sample."""

    fixed: int
    sample: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a training step takes: for the weights, and for each sample what the layers keep.

    `gradients` are those of all weights that learn, `optimizer` is what the optimizer keeps, `average`
    the moving average, `input` a sample itself, and `parts` is the number of parts that a batch is
    computed in.
    """

    weights: int
    buffers: int
    gradients: int
    optimizer: int
    average: int
    input: int
    parts: int
    kept: int
    moments: tuple[Moment, ...]

    @property
    def untrained(self) -> int:
        """Bytes of the network alone."""
        return self.weights + self.buffers

    def activations(self, batch: int) -> int:
        """Return the bytes that are kept for the backward pass."""
        part = self._part(batch)
        return self.kept * part + self.input * (batch - part)

    def peak(self, batch: int) -> int:
        """Return the most that is in use at any moment of a step."""
        part = self._part(batch)
        return max(m.fixed + m.sample * part for m in self.moments) + self.input * (batch - part)

    def largest_batch(self, available: int) -> int:
        """Return the largest batch whose step fits into so many bytes; 0 if none does."""
        batches = range(1, available // self.input + 2)
        return bisect_right(batches, available, key=self.peak)

    def _part(self, batch: int) -> int:
        """Return the samples of a batch that are computed at once."""
        return -(-batch // self.parts)


def predict(plan: Plan) -> Memory:
    """Return the memory that training the plan's network as its spec says takes."""
    train = plan.spec.train
    weights, gradients = plan.params * FLOAT_BYTES, plan.trainable * FLOAT_BYTES
    buffers = sum(step.layer.buffers(step.input) for step in plan.layers if step.layer)
    kept_by_optimizer, copied = (FLOAT_BYTES * n for n in _optimizer(plan))
    average = weights + buffers if train.ema else 0
    walk = _Walk(train)
    kept = walk.forward(plan.steps, plan.input_shape, gradients)
    walk.backward(before=gradients if train.accumulate > 1 else 0)
    walk.step_of_optimizer(gradients, copied)
    always = weights + buffers + kept_by_optimizer + average
    moments = tuple(Moment(always + fixed, sample) for fixed, sample in walk.moments)
    sample = _bytes(plan.input_shape)
    always_kept = (weights, buffers, gradients, kept_by_optimizer, average)
    return Memory(*always_kept, input=sample, parts=train.accumulate, kept=kept, moments=moments)


def _optimizer(plan: Plan) -> tuple[int, int]:
    """Return how many numbers the optimizer keeps for all weights, and how many it copies in a step."""
    train, count = plan.spec.train, plan.trainable
    match train.optimizer.options:
        case SGD(momentum=momentum):
            return count * (momentum > 0), 0
        case RMSprop(momentum=momentum, weight_decay=decay):  # all weights at once, with no kernel of its own
            return count * (1 + (momentum > 0)), count * (1 + (decay > 0))
        case Muon():  # its momentum for what fc layers multiply by, and for all else what AdamW keeps
            learning = [s for s in plan.layers if s.type == "fc" and not train.is_frozen(s.path)]
            fc = [volume(s.input) * volume(s.output) for s in learning]
            return 2 * count - sum(fc), 3 * max(fc, default=0)
    return 2 * count, 0


class _Tensor:
    """A tensor of one sample: its bytes, how many hold it, and whether a gradient is asked of it."""

    __slots__ = ("holds", "learns", "size")

    def __init__(self, size: int, *, learns: bool = False) -> None:
        self.size, self.learns, self.holds = size, learns, 0


class _Operation(NamedTuple):
    """Something done in the forward pass, for the backward pass to undo.

    `weights` are bytes, of which those that learn get `gradients`. `passes` and `copies` are as in
    `Composite` and `Layer`.
    """

    inputs: tuple[_Tensor, ...]
    output: _Tensor
    kept: tuple[_Tensor, ...]
    weights: int = 0
    gradients: int = 0
    passes: bool = False
    copies: bool = False

    @property
    def largest(self) -> int:
        """Bytes of the largest input or output."""
        return max(x.size for x in (*self.inputs, self.output))

    @property
    def stretches(self) -> bool:
        """Whether an input is stretched; its gradient is made in the output's size first."""
        return len({x.size for x in self.inputs}) > 1 and not self.passes


class _Walk:
    """Goes through a step of training, and notes what is in use at each moment of it."""

    def __init__(self, train: Train) -> None:
        self.train = train
        self.live = 0
        self.gradients = 0
        self.moments: set[Moment] = set()
        self.operations: list[_Operation] = []

    def hold(self, *tensors: _Tensor) -> None:
        """Keep tensors in use until they are released as often."""
        for tensor in tensors:
            self.live += 0 if tensor.holds else tensor.size
            tensor.holds += 1

    def release(self, *tensors: _Tensor) -> None:
        """Give up one hold of each tensor, and its memory with the last."""
        for tensor in tensors:
            tensor.holds -= 1
            self.live -= 0 if tensor.holds else tensor.size

    def note(self, weights: int = 0, sample: int = 0) -> None:
        """Note what is in use now, with copies of weights and other working memory besides."""
        self.moments.add(Moment(self.gradients + weights, self.live + sample))

    def forward(self, steps: tuple[Step, ...], shape: Shape, gradients: int) -> int:
        """Go through the forward pass and the loss; return the bytes then in use for each sample.

        The `gradients` are those of the step before.
        """
        self.gradients = gradients
        x = _Tensor(_bytes(shape))
        self.hold(x)  # the batch is there all the while
        scores = self.row(steps, x)
        loss = self.operate((scores,), scores.size, Kept(output=True))  # log-softmax
        self.release(scores, loss)
        self.gradients = 0
        return self.live

    def row(self, steps: tuple[Step, ...], x: _Tensor) -> _Tensor:
        """Go through steps in a row, of which the caller holds the input, and return their output, held."""
        self.hold(x)
        for step in steps:
            y = self.step(step, x)
            self.release(x)
            x = y
        return x

    def step(self, step: Step, x: _Tensor) -> _Tensor:
        """Go through one step, as `row` does."""
        size, layer, composite = _bytes(step.output), step.layer, step.composite
        if layer and not layer.is_view(step.input):
            weights = step.params * FLOAT_BYTES
            gradients = 0 if self.train.is_frozen(step.path) else weights
            how = {"weights": weights, "gradients": gradients, "copies": layer.copies}
            return self.operate((x,), size, layer.kept(step.input), **how)
        if not composite:
            return self.row(step.children, x)
        outputs = tuple(self.row(part.children, x) for part in step.children)
        y = self.operate(outputs, size, composite.keeps, passes=composite.passes)
        self.release(*outputs)
        return y

    def operate(self, inputs: tuple[_Tensor, ...], size: int, kept: Kept, **how: Any) -> _Tensor:
        """Do one operation of the forward pass, and return its output, held."""
        y = _Tensor(size, learns=how.get("gradients", 0) > 0 or any(x.learns for x in inputs))
        keeps: tuple[_Tensor, ...] = ()
        if y.learns:
            more = (_Tensor(kept.more),) if kept.more else ()
            keeps = (*(inputs if kept.input else ()), *((y,) if kept.output else ()), *more)
        self.hold(y, *keeps)
        operation = _Operation(inputs, y, keeps, **how)
        self.operations.append(operation)
        self.note()
        if operation.copies:
            self.note(operation.weights, operation.largest)
        return y

    def backward(self, before: int) -> None:
        """Go back through the operations: make gradients, free what was kept for them.

        `before` are bytes of the gradients of other parts of the batch, to which these are added.
        """
        gradients: dict[_Tensor, _Tensor] = {}
        for operation in reversed(self.operations):
            if not operation.output.learns:
                continue
            given = gradients.pop(operation.output, None)
            if given is None:  # the loss: where the gradients begin
                given = _Tensor(operation.output.size)
                self.hold(given)
            self.gradients = (before or self.gradients) + operation.gradients
            made = []
            for x in operation.inputs:
                if x.learns:
                    gradient = given if operation.passes else _Tensor(x.size)
                    self.hold(gradient)
                    made.append((x, gradient))
            self.note()
            if operation.copies:
                looked_at = operation.inputs[0].size if operation.gradients else 0
                self.note(operation.weights, looked_at + operation.largest)
            elif operation.stretches:
                self.note(0, operation.output.size)
            self.release(given, *operation.kept)
            for x, gradient in made:
                gradients[x] = self.sum(gradients.get(x), gradient)

    def step_of_optimizer(self, gradients: int, copied: int) -> None:
        """Note what is in use while the optimizer works, which begins with all gradients."""
        self.gradients = gradients
        self.note(copied)

    def sum(self, one: _Tensor | None, other: _Tensor) -> _Tensor:
        """Return the sum of two gradients, in the memory of one that nobody else needs."""
        if one is None:
            return other
        if one.holds > 1 and other.holds > 1:
            total = _Tensor(one.size)
            self.hold(total)
            self.note()
            self.release(one, other)
            return total
        kept, freed = (one, other) if one.holds == 1 else (other, one)
        self.release(freed)
        return kept


def _bytes(shape: Shape) -> int:
    return volume(shape) * FLOAT_BYTES


def in_units(count: float) -> str:
    """Return a number of bytes as people read it: ``241 KiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"

"""The section `train`: optimizer, schedule, loss, and all else that says how a network is trained."""

from typing import Annotated, Literal

from pydantic import Field

from cnnspec.language.choice import CHOSEN, Choice, Section
from cnnspec.language.data import absolute
from cnnspec.language.finetuning import Parts, Scale, Weights, covers, innermost, published
from cnnspec.layers.fields import Count, Index

Rate = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
ClassWeights = Annotated[tuple[NotNegative, ...], Field(strict=False)]  # strictly, a list were no tuple


class SGD(Section):
    """Stochastic gradient descent, with momentum as torch.optim.SGD has it."""

    lr: Rate = Field(0.01, description="learning rate")
    momentum: Share = Field(0.0, description="share of the last step that is kept")
    nesterov: bool = Field(False, description="look ahead along the momentum (Nesterov, 1983)")
    weight_decay: NotNegative = Field(0.0, description="L2 penalty on weights, not on biases and norms")


class Adam(Section):
    """The optimizer of Kingma & Ba, "Adam: A Method for Stochastic Optimization" (2015)."""

    lr: Rate = Field(0.001, description="learning rate")
    beta1: Share = Field(0.9, description="decay of the mean of gradients")
    beta2: Share = Field(0.999, description="decay of the mean of their squares")
    eps: Rate = Field(1e-8, description="added to the denominator")
    weight_decay: NotNegative = Field(0.0, description="L2 penalty on weights, not on biases and norms")


class AdamW(Section):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter, 2019)."""

    lr: Rate = Field(0.001, description="learning rate")
    beta1: Share = Field(0.9, description="decay of the mean of gradients")
    beta2: Share = Field(0.999, description="decay of the mean of their squares")
    eps: Rate = Field(1e-8, description="added to the denominator")
    weight_decay: NotNegative = Field(0.01, description="decay of weights, not of biases and norms")


class RMSprop(Section):
    """Hinton's RMSprop (Coursera lecture 6, 2012), as torch.optim.RMSprop has it."""

    lr: Rate = Field(0.01, description="learning rate")
    alpha: Share = Field(0.99, description="decay of the mean of squared gradients")
    eps: Rate = Field(1e-8, description="added to the denominator")
    momentum: Share = Field(0.0, description="share of the last step that is kept")
    weight_decay: NotNegative = Field(0.0, description="L2 penalty on weights, not on biases and norms")


class Muon(Section):
    """Jordan's Muon (2024) for the weights of fc layers, as torch.optim.Muon has it; AdamW for all others."""

    lr: Rate = Field(0.001, description="learning rate, of both")
    momentum: Share = Field(0.95, description="share of the last step that is kept")
    weight_decay: NotNegative = Field(0.1, description="decay of weights, not of biases and norms")


class Optimizer(Choice):
    """The rule that turns gradients into steps."""

    adam: Annotated[Adam | None, CHOSEN] = Field(None, description="Adam")
    sgd: Annotated[SGD | None, CHOSEN] = Field(None, description="stochastic gradient descent")
    adamw: Annotated[AdamW | None, CHOSEN] = Field(None, description="Adam with decoupled weight decay")
    rmsprop: Annotated[RMSprop | None, CHOSEN] = Field(None, description="RMSprop")
    muon: Annotated[Muon | None, CHOSEN] = Field(
        None, description="Muon for fc weights, AdamW for all others"
    )


class Constant(Section):
    """The same learning rate all the time."""


class StepDecay(Section):
    """The learning rate is multiplied by gamma every `step_size` epochs."""

    step_size: Count = Field(description="epochs between two changes")
    gamma: Rate = Field(0.1, description="factor of each change")


class Cosine(Section):
    """Down along half a cosine (Loshchilov & Hutter, "SGDR", 2017)."""

    eta_min: NotNegative = Field(0.0, description="learning rate at the end")


class OneCycle(Section):
    """Up, then down along half cosines (Smith & Topin, "Super-Convergence", 2018)."""

    pct_start: Annotated[float, Field(gt=0, lt=1)] = Field(0.3, description="share of all steps that goes up")
    div_factor: Annotated[float, Field(ge=1)] = Field(
        25.0, description="lr over the learning rate at the start"
    )
    final_div_factor: Annotated[float, Field(ge=1)] = Field(
        10_000.0, description="learning rate at the start over that at the end"
    )


class Schedule(Choice):
    """How the learning rate changes from step to step."""

    constant: Annotated[Constant | None, CHOSEN] = Field(None, description="the same all the time")
    step: Annotated[StepDecay | None, CHOSEN] = Field(
        None, description="multiplied by gamma every few epochs"
    )
    cosine: Annotated[Cosine | None, CHOSEN] = Field(None, description="down along half a cosine")
    one_cycle: Annotated[OneCycle | None, CHOSEN] = Field(
        None, description="up, then down along half cosines"
    )


class CrossEntropy(Section):
    """Cross-entropy of the softmax of the outputs."""

    label_smoothing: Share = Field(0.0, description="share of the target that all classes get alike")
    class_weights: ClassWeights | None = Field(None, description="weight of each class")


class NegativeLogLikelihood(Section):
    """For networks whose last layer is log_softmax."""

    class_weights: ClassWeights | None = Field(None, description="weight of each class")


class Focal(Section):
    """Cross-entropy that counts what is learned already less (Lin et al., 2017)."""

    gamma: NotNegative = Field(2.0, description="how much less; 0 is cross-entropy")
    class_weights: ClassWeights | None = Field(None, description="weight of each class")


class MultiMargin(Section):
    """The hinge loss for several classes, as torch.nn.MultiMarginLoss has it."""

    margin: Rate = Field(1.0, description="by how much the right class must lead")


class Loss(Choice):
    """What training makes small."""

    cross_entropy: Annotated[CrossEntropy | None, CHOSEN] = Field(None, description="cross-entropy")
    nll: Annotated[NegativeLogLikelihood | None, CHOSEN] = Field(
        None, description="cross-entropy after a log_softmax layer"
    )
    focal: Annotated[Focal | None, CHOSEN] = Field(
        None, description="cross-entropy that looks at the hard samples"
    )
    multi_margin: Annotated[MultiMargin | None, CHOSEN] = Field(None, description="hinge loss")


class Train(Section):
    """How the network is trained."""

    epochs: Count = Field(10, description="passes over the training data")
    batch_size: Count = Field(64, description="samples a step, over all processes")
    accumulate: Count = Field(1, description="parts that a batch is computed in, one after the other")
    optimizer: Optimizer = Field(
        default_factory=lambda: Optimizer(adam=Adam()), description="the optimizer with its options"
    )
    schedule: Schedule = Field(
        default_factory=lambda: Schedule(constant=Constant()), description="how the learning rate changes"
    )
    warmup: NotNegative = Field(
        0.0, description="epochs in which the learning rate rises from 0, before the schedule"
    )
    loss: Loss = Field(
        default_factory=lambda: Loss(cross_entropy=CrossEntropy()), description="what training makes small"
    )
    clip_norm: Rate | None = Field(None, description="longest gradient of all weights together")
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="decay of a moving average of the weights, which is then what is tested and kept"
    )
    validation: Share = Field(0.0, description="share of the training data held out to pick the best epoch")
    best: Literal["accuracy", "loss", "macro_f1", "top_k_accuracy"] = Field(
        "accuracy", description="the metric that the best epoch is picked by"
    )
    top_k: Count | None = Field(None, description="also count an answer as right among the k likeliest")
    early_stopping: Count | None = Field(None, description="tests without a better one after which to stop")
    evaluate_every: Count = Field(1, description="epochs between two tests; the last is always tested")
    checkpoint_every: Count | None = Field(None, description="steps between two checkpoints within an epoch")
    precision: Literal["float32", "bf16"] = Field(
        "float32", description="bf16 computes in bfloat16 where it is safe"
    )
    compile: bool = Field(False, description="compile the network with torch.compile")
    channels_last: bool | None = Field(
        None, description="memory order of pictures; the device's best if not given"
    )
    data_on_device: bool | None = Field(
        None, description="hold all data on the device; if it fits, if not given"
    )
    seed: Index = Field(0, description="number that all random draws follow from")
    weights: Weights | None = Field(
        None, description="what training begins with: torchvision:NAME, a safetensors file, or a run's folder"
    )
    freeze: Parts | None = Field(
        None, description="layers and blocks, by their paths, that stay as they are with all within them"
    )
    lr_scale: dict[str, Scale] | None = Field(
        None, description="factors of the learning rate, by the path of a layer or block"
    )

    def is_frozen(self, path: str) -> bool:
        """Tell whether the layer, block or parameter at a path of the network stays as it is."""
        return any(covers(part, path) for part in self.freeze or ())

    def scale_of(self, path: str) -> float:
        """Return what the learning rate is multiplied by there; of several factors, the innermost counts."""
        scales = self.lr_scale or {}
        part = innermost(scales, path)
        return 1.0 if part is None else scales[part]

    def located(self, base: str) -> "Train":
        """Return the same with an absolute path to the weights, which is relative to `base`."""
        if self.weights is None or published(self.weights):
            return self
        return self.model_copy(update={"weights": absolute(base, self.weights)})

"""Does a network fit the data and the loss it is to learn from? Known before anything is loaded."""

from cnnspec.catalog import DataSet
from cnnspec.errors import Place, Problem
from cnnspec.parts import part_problems, part_warnings
from cnnspec.plan import Plan
from cnnspec.shape import times, volume


def data_problems(plan: Plan, data_set: DataSet | None = None) -> list[Problem]:
    """Return the errors that training would meet: input or output that do not fit the data set.

    The data set is that of the spec, if not given. Of one's own pictures it is known only when they are
    read; without it, what depends on the classes is not looked at.
    """
    data_set = data_set or plan.spec.data.known()
    of_data = [*_output_problems(plan, data_set), *_class_problems(plan, data_set)] if data_set else []
    return [
        *_input_problems(plan, data_set),
        *_statistics_problems(plan),
        *_augment_problems(plan),
        *of_data,
        *_learning_problems(plan),
        *_optimizer_problems(plan),
        *part_problems(plan),
    ]


def picture_problems(plan: Plan) -> list[Problem]:
    """Return what keeps a plan's network from making a picture of a picture, without any training."""
    shape, place = plan.input_shape, plan.spec.document.value_place(("input",))
    if len(shape) != 3:
        what, why = f"input is {times(shape)}, which is no picture", "a picture is [channels, height, width]"
        return [Problem(what, why, "Use an input such as [1, 256, 256]", place)]
    if shape[0] not in (1, 3):
        why = "a picture has 1 in gray, or 3 in color"
        return [Problem(f"input has {shape[0]} channels", why, "Use 1 or 3", place)]
    learning = next((step for step in plan.layers if step.params), None)
    if learning:
        what = f"{plan.name} has {plan.params:,} parameters to learn, the first in {learning.path}"
        why = "untrained they are random numbers, and so would the picture be"
        fix = "Use layers that learn nothing, such as image_filter; or train it for `cnnspec predict`"
        return [Problem(what, why, fix, learning.place)]
    flat = next((step for step in plan.layers if len(step.output) == 1), None)
    if flat:
        what, why = f"{flat.path} makes {flat.output[0]:,} flat values", "a picture has height and width"
        return [Problem(what, why, f"Remove {flat.path}", flat.place)]
    return []


def warnings(plan: Plan) -> list[Problem]:
    """Return what is allowed but surely not meant."""
    return [
        *_channels_last(plan),
        *_softmax_before_loss(plan),
        *_no_logarithms_for_loss(plan),
        *part_warnings(plan),
    ]


def _channels_last(plan: Plan) -> list[Problem]:
    """Warn of Keras' order of axes."""
    shape = plan.input_shape
    if len(shape) != 3 or min(shape[:2]) <= 4 or shape[2] not in (1, 3, 4):
        return []
    what = f"input is {shape[0]} channels of {times(shape[1:])}"
    why, fix = "a shape begins with the channels", f"Did you mean [{shape[2]}, {shape[0]}, {shape[1]}]?"
    place = plan.spec.document.value_place(("input",))
    return [Problem(what, why, fix, place, "warning")]


def _softmax_before_loss(plan: Plan) -> list[Problem]:
    """Warn of a softmax that the loss does by itself."""
    last, loss = plan.layers[-1] if plan.layers else None, plan.spec.train.loss.name
    if last is None or last.type not in ("softmax", "log_softmax") or loss not in ("cross_entropy", "focal"):
        return []
    what = f"{last.path} stands before the loss {loss}"
    why = "that applies its own log-softmax, so training is slowed down"
    fix = f"Remove `- {last.type}`: predictions are given as probabilities anyway"
    return [Problem(what, why, fix, last.place, "warning")]


def _no_logarithms_for_loss(plan: Plan) -> list[Problem]:
    """Warn of a network that does not end as the loss nll expects."""
    last = plan.layers[-1] if plan.layers else None
    if last is None or last.type == "log_softmax" or plan.spec.train.loss.name != "nll":
        return []
    why = f"it takes logarithms of probabilities, and {last.path} gives none"
    fix = "Put `- log_softmax` at the end, or use the loss cross_entropy"
    if last.type == "softmax":
        fix = "Use `- log_softmax` instead"
    place = plan.spec.document.value_place(("train", "loss"))
    return [Problem("the loss nll needs a log_softmax", why, fix, place, "warning")]


def _input_problems(plan: Plan, data_set: DataSet | None) -> list[Problem]:
    shape, name = plan.input_shape, plan.spec.data.name
    place = plan.spec.document.value_place(("input",))
    if len(shape) == 4:
        size = f" of {times(data_set.shape[1:])}" if data_set else ""
        what = f"input is {times(shape)}, but {name} holds pictures{size}"
        return [Problem(what, "a picture has no depth", "Use [channels, height, width]", place)]
    if len(shape) == 3 and shape[0] not in (1, 3):
        gray = data_set is not None and data_set.shape[0] == 1
        what = f"input has {shape[0]} channels, but {name} holds {'grey ' if gray else ''}pictures"
        ways = "1 channel or as 3 equal ones" if gray else "3 channels, or in grey as 1"
        return [Problem(what, f"they can be given as {ways}", "Use 1 or 3", place)]
    if len(shape) == 2 and shape[0] == 1 and round(shape[1] ** 0.5) ** 2 != shape[1]:
        what = f"input is a sequence of {shape[1]} values, which is not a square number"
        why = f"a picture of {name} is read row by row, resized to a square"
        return [Problem(what, why, f"Use [1, {round(shape[1] ** 0.5) ** 2}]", place)]
    return []


def _statistics_problems(plan: Plan) -> list[Problem]:
    statistics = plan.spec.data.statistics(plan.input_shape)
    channels = plan.input_shape[0] if len(plan.input_shape) == 3 else 1
    problems = []
    for name in ("mean", "std"):
        value = getattr(statistics, name, None)  # of one's own pictures, they come with the data
        if isinstance(value, tuple) and len(value) != channels:
            what = f"{name} lists {len(value)} values, but pictures of the input have {channels} channels"
            place = plan.spec.document.value_place(("data", "normalize", name))
            problems.append(Problem(what, "", "Give one number, or one per channel", place))
    return problems


def _augment_problems(plan: Plan) -> list[Problem]:
    augment, document = plan.spec.data.augment, plan.spec.document
    if augment is None or len(plan.input_shape) != 2:
        return []
    but, why = f"but the input is {times(plan.input_shape)}", "a picture is [channels, height, width]"
    return [
        Problem(
            f"{name} needs pictures, {but}",
            why,
            f"Remove `{name}`",
            document.place(("data", "augment", name)),
        )
        for name in augment.spatial()
    ]


def _class_problems(plan: Plan, data_set: DataSet) -> list[Problem]:
    """Return the options of `train` that do not fit the number of classes."""
    train, document, classes = plan.spec.train, plan.spec.document, len(data_set.classes)
    why = f"{data_set.name} has {classes} classes"
    problems = []
    weights = getattr(train.loss.options, "class_weights", None)
    if weights is not None and len(weights) != classes:
        what = f"class_weights lists {len(weights)} value{'s' * (len(weights) != 1)}"
        place = document.value_place(("train", "loss", train.loss.name, "class_weights"))
        problems.append(Problem(what, why, "Give one for each class", place))
    if train.top_k is not None and train.top_k >= classes:
        what, why = f"top_k is {train.top_k}", f"{why}, so every answer would be right"
        fix = f"Use at most {classes - 1}"
        problems.append(Problem(what, why, fix, document.value_place(("train", "top_k"))))
    return problems


def _optimizer_problems(plan: Plan) -> list[Problem]:
    train = plan.spec.train
    layers = [step for step in plan.layers if step.type == "fc"]
    if train.optimizer.name != "muon" or any(not train.is_frozen(step.path) for step in layers):
        return []
    which = "all of them are frozen" if layers else "this network has none"
    what, why = "muon has nothing to do", f"it steps the weights of fc layers only, and {which}"
    place = plan.spec.document.value_place(("train", "optimizer"))
    return [Problem(what, why, "Use adamw, which would step all others", place)]


def _learning_problems(plan: Plan) -> list[Problem]:
    if not plan.params:
        fix = "Add a conv or fc"
        return [
            Problem(
                "there is nothing to train", "no layer has parameters", fix, Place(plan.spec.document.file)
            )
        ]
    train = plan.spec.train
    if train.batch_size // train.accumulate > 1:
        return []
    norms = [s for s in plan.layers if s.type == "batchnorm" and not train.is_frozen(s.path)]
    alone = [s for s in norms if volume(s.input) == s.input[0]]
    why, fix = "its mean over a single value is that value, and all is lost", "Use a larger batch_size"
    what = "batches of 1"
    if train.batch_size > 1:
        what, fix = "parts of 1 sample", f"Use accumulate of at most {max(1, train.batch_size // 2)}"
    return [Problem(f"{s.path} cannot learn in {what}", why, fix, s.place) for s in alone]


def _output_problems(plan: Plan, data_set: DataSet) -> list[Problem]:
    classes = len(data_set.classes)
    last = plan.layers[-1] if plan.layers else None
    place = last.place if last else Place(plan.spec.document.file)
    why = f"{data_set.name} has {classes} classes, and {plan.spec.train.loss.name} needs one number for each"
    if len(plan.output_shape) != 1:
        what = f"the output is {times(plan.output_shape)}, not flat"
        return [Problem(what, why, "Put `- flatten` at the end, or `- fc` after it", place)]
    if plan.output_shape != (classes,):
        what = f"the output has {plan.output_shape[0]} values"
        if last and last.type == "fc":
            what = f"{last.path} has {plan.output_shape[0]} units"
        return [Problem(what, why, f"Use {classes}", place)]
    return []

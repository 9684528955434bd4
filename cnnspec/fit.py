"""Does a network fit the data and the loss it is to learn from? Known before anything is loaded."""

from cnnspec.catalog import DATA_SETS, DataSet
from cnnspec.errors import Place, Problem
from cnnspec.plan import Plan
from cnnspec.shape import times, volume


def data_problems(plan: Plan) -> list[Problem]:
    """Return the errors that training would meet: input or output that do not fit the data set."""
    data_set = DATA_SETS[plan.spec.data.dataset]
    checks = (_input_problems(plan, data_set), _statistics_problems(plan), _output_problems(plan, data_set))
    return [*(problem for problems in checks for problem in problems), *_learning_problems(plan)]


def warnings(plan: Plan) -> list[Problem]:
    """Return what is allowed but surely not meant."""
    return [*_channels_last(plan), *_softmax_before_loss(plan)]


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
    last = plan.layers[-1] if plan.layers else None
    if last is None or last.type not in ("softmax", "log_softmax"):
        return []
    what = f"{last.path} stands before the loss cross_entropy"
    why = "that applies its own log-softmax, so training is slowed down"
    return [
        Problem(
            what,
            why,
            f"Remove `- {last.type}`: predictions are given as probabilities anyway",
            last.place,
            "warning",
        )
    ]


def _input_problems(plan: Plan, data_set: DataSet) -> list[Problem]:
    shape = plan.input_shape
    place = plan.spec.document.value_place(("input",))
    if len(shape) == 4:
        what = f"input is {times(shape)}, but {data_set.name} holds pictures of {times(data_set.shape[1:])}"
        return [Problem(what, "a picture has no depth", "Use [channels, height, width]", place)]
    if len(shape) == 3 and shape[0] not in (1, 3):
        what = f"input has {shape[0]} channels, but {data_set.name} holds grey pictures"
        return [Problem(what, "they can be given as 1 channel or as 3 equal ones", "Use 1 or 3", place)]
    if len(shape) == 2 and shape[0] == 1 and round(shape[1] ** 0.5) ** 2 != shape[1]:
        what = f"input is a sequence of {shape[1]} values, which is not a square number"
        why = f"a picture of {data_set.name} is read row by row, resized to a square"
        return [Problem(what, why, f"Use [1, {round(shape[1] ** 0.5) ** 2}]", place)]
    return []


def _statistics_problems(plan: Plan) -> list[Problem]:
    statistics = plan.spec.data.statistics()
    channels = plan.input_shape[0] if len(plan.input_shape) == 3 else 1
    problems = []
    for name in ("mean", "std"):
        value = getattr(statistics, name)
        if isinstance(value, tuple) and len(value) != channels:
            what = f"{name} lists {len(value)} values, but pictures of the input have {channels} channels"
            place = plan.spec.document.value_place(("data", "normalize", name))
            problems.append(Problem(what, "", "Give one number, or one per channel", place))
    return problems


def _learning_problems(plan: Plan) -> list[Problem]:
    if not plan.params:
        fix = "Add a conv or fc"
        return [
            Problem(
                "there is nothing to train", "no layer has parameters", fix, Place(plan.spec.document.file)
            )
        ]
    if plan.spec.train.batch_size > 1:
        return []
    alone = [s for s in plan.layers if s.type == "batchnorm" and volume(s.input) == s.input[0]]
    why = "its mean over a single value is that value, and all is lost"
    return [
        Problem(f"{s.path} cannot learn in batches of 1", why, "Use a larger batch_size", s.place)
        for s in alone
    ]


def _output_problems(plan: Plan, data_set: DataSet) -> list[Problem]:
    classes = len(data_set.classes)
    last = plan.layers[-1] if plan.layers else None
    place = last.place if last else Place(plan.spec.document.file)
    why = f"{data_set.name} has {classes} classes, and cross_entropy needs one number for each"
    if len(plan.output_shape) != 1:
        what = f"the output is {times(plan.output_shape)}, not flat"
        return [Problem(what, why, "Put `- flatten` at the end, or `- fc` after it", place)]
    if plan.output_shape != (classes,):
        what = f"the output has {plan.output_shape[0]} values"
        if last and last.type == "fc":
            what = f"{last.path} has {plan.output_shape[0]} units"
        return [Problem(what, why, f"Use {classes}", place)]
    return []

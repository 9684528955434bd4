"""Whether what `freeze` and `lr_scale` name is there, and something is left to learn."""

from typing import Literal

from cnnspec.errors import Place, Problem, did_you_mean, one_of, shown
from cnnspec.language.finetuning import innermost
from cnnspec.plan import Plan, Step
from cnnspec.spec import Spec


def part_problems(plan: Plan) -> list[Problem]:
    """Return what is wrong with the names in `freeze` and `lr_scale`, each at its place."""
    spec = plan.spec
    steps = {step.path: step for top in plan.steps for step in top.within()}
    frozen = {name: part_place(spec, "freeze", name) for name in spec.train.freeze or ()}
    scaled = {name: part_place(spec, "lr_scale", name) for name in spec.train.lr_scale or {}}
    found = [_freezing(plan, name, place, steps) for name, place in frozen.items()]
    found += [_scaling(plan, name, place, steps) for name, place in scaled.items()]
    problems = [problem for problem in found if problem]
    if not problems and plan.params and not plan.trainable:
        problems.append(_nothing_left(plan))
    return problems


def part_place(spec: Spec, field: Literal["freeze", "lr_scale"], name: str) -> Place:
    """Return where a part is named: in the spec's file, or by an option, which goes before that."""
    document = spec.document
    train = document.value.get("train") if isinstance(document.value, dict) else None
    given = train.get(field) if isinstance(train, dict) else None
    if not given or name not in given:
        return Place(f"--train {field}")
    return document.place(("train", field, given.index(name) if isinstance(given, list) else name))


def part_warnings(plan: Plan) -> list[Problem]:
    """Return what is allowed but surely not meant: to freeze what nothing was learned in."""
    train = plan.spec.train
    if not train.freeze or train.weights:
        return []
    what, why = "freeze keeps weights that are random", "there are no `weights` to begin with"
    place = part_place(plan.spec, "freeze", train.freeze[0])
    return [Problem(what, why, "Add `weights:`", place, "warning")]


def _freezing(plan: Plan, name: str, place: Place, steps: dict[str, Step]) -> Problem | None:
    if name not in steps:
        return _unknown(plan, "freeze", name, place, steps)
    # Batch norm without a scale and a shift has statistics all the same.
    if any(leaf.params or leaf.type == "batchnorm" for leaf in steps[name].leaves()):
        return None
    return Problem(f"freeze names {shown(name)}, which has no parameters", "", "Remove it", place)


def _scaling(plan: Plan, name: str, place: Place, steps: dict[str, Step]) -> Problem | None:
    if name not in steps:
        return _unknown(plan, "lr_scale", name, place, steps)
    learning = [leaf for leaf in steps[name].leaves() if leaf.params]
    if not learning:
        what, why = f"lr_scale names {shown(name)}, which has no parameters", "nothing in it learns"
        return Problem(what, why, "Remove it", place)
    if all(plan.spec.train.is_frozen(leaf.path) for leaf in learning):
        what, why = f"lr_scale names {shown(name)}, but freeze keeps it as it is", "it cannot do both"
        return Problem(what, why, "Remove it from one of them", place)
    return None


def _unknown(plan: Plan, field: str, name: str, place: Place, steps: dict[str, Step]) -> Problem:
    """Return the error that nothing is called so, with what is."""
    whole = name.removesuffix("*").removesuffix(".weight").removesuffix(".bias").rstrip(".")
    meant = [path for path in steps if path == whole or path.endswith(f".{whole}")]
    near = f"Did you mean '{meant[0]}'?" if meant and whole else did_you_mean(name, steps)
    learning = [step.path for step in plan.steps if step.params]
    fix = near or (f"Use {one_of(learning)}, or what is in them" if learning else "")
    return Problem(f"{field} names {shown(name)}, which is no layer or block of {plan.name}", "", fix, place)


def _nothing_left(plan: Plan) -> Problem:
    freeze = plan.spec.train.freeze or ()
    last = next(step for step in reversed(plan.layers) if step.params)
    part = innermost(freeze, last.path) or ""
    fix = f"Leave out {shown(part)}" if len(freeze) > 1 else f"Name parts of it, not {shown(part)}"
    what, why = "freeze leaves nothing to learn", f"all {plan.params:,} parameters are in what it names"
    return Problem(what, why, fix, part_place(plan.spec, "freeze", part))

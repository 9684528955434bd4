"""What a run's numbers say, and what to change next: each sentence by a rule that is told beside it."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from cnnspec.report.outcome import Outcome
from cnnspec.spec import Spec
from cnnspec.training import best
from cnnspec.training.record import RunRecord

GUESSING = 1.1
"""An accuracy up to so many times that of always saying the most frequent class is one of guessing."""

RISEN, AGAIN = 1.1, 2
"""A test loss that is more than so many times its lowest, after at least so many more tests, has risen."""

GAP, LEAST_GAP = 2, 0.02
"""A test loss of so many times the training loss, and more by so much, is far above it."""

NEAR = 1.1
"""A test loss up to so many times the training loss is not above it."""

FALLING = 0.01
"""A training loss that has fallen by such a share in the last epoch is still falling."""

JUMPS, OFTEN = 0.02, 0.25
"""A training loss that rises by such a share from one epoch to the next, in so many of them, jumps."""

SLOW, FAR = 0.7, 0.9
"""A training loss that is still such a share of the first one, with an accuracy below that, falls slowly."""

FEW = 0.5
"""A class with less than such a share of the mean number of pictures has few."""

WEAKEST = 3
"""Classes that are named as those found least often."""


class Finding(NamedTuple):
    """A sentence that is true of the run, what to try because of it, and the rule that it follows from.

    The advice is plain text and code in turns, so that no name in it is taken for a mark.
    """

    text: str
    advice: tuple[str, ...] = ()
    rule: str = ""


def findings(record: RunRecord, tested: Outcome | None, classes: Sequence[str]) -> list[Finding]:
    """Return what is worth knowing of a run, the most important first; `tested` is None where it was not."""
    found = [*_outcome(record, tested), *_data(record, tested)]
    guessing = list(_guessing(tested))
    if guessing:
        return [*found, *guessing, *_steps(record)]
    return [*found, *_fitting(record), *_end(record), *_steps(record), *_classes(tested, classes)]


def cut(text: str, most: int) -> str:
    """Return as much of a text as so many characters are."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def percent(share: float) -> str:
    """Return a share as ``98.76 %``."""
    return f"{100 * share:.2f} %"


def pictures(count: int) -> str:
    """Return a number of pictures, with the word."""
    return f"{count:,} picture{'s' * (count != 1)}"


def _outcome(record: RunRecord, tested: Outcome | None) -> Iterator[Finding]:
    done, row, asked = len(record.history), record.best, record.spec.train.epochs
    if tested:
        right = f"{tested.count - tested.wrong:,} of {tested.count:,} test pictures are classified correctly"
        share, which = percent(tested.evaluation.accuracy), _which(record, tested.epoch)
        yield Finding(f"{right}: {share}, with the weights of {which}.")
    elif row and "test_accuracy" in row:
        which = _which(record, row["epoch"])
        yield Finding(f"The test accuracy is {percent(row['test_accuracy'])} in {which}.")
    elif done:
        yield Finding(f"{done} of {asked} epochs are done, and none was tested yet.")
    else:
        yield Finding("No epoch is done yet.")
    if record.state == "running":
        yield Finding(f"The run goes on: {done} of {asked} epochs are done.")
    elif record.state == "interrupted":
        go_on = _advice("Go on with `{}`.", command=_resume(record))
        yield Finding(f"The run was interrupted: {done} of {asked} epochs are done.", go_on)


def _which(record: RunRecord, epoch: int) -> str:
    known = f"epoch {epoch} of {len(record.history)}"
    return (
        f"{known}, the best by {_metric(record)}" if record.best and record.best["epoch"] == epoch else known
    )


def _metric(record: RunRecord) -> str:
    return best.metric(record.spec.train).replace("_", " ")


def _advice(text: str, *, command: str = "") -> tuple[str, ...]:
    """Return the parts of a text of ours that backticks set apart, with a command in the place of ``{}``."""
    return tuple(part.replace("{}", command) for part in text.split("`"))


def _resume(record: RunRecord, *options: str) -> str:
    return f"cnnspec train --resume {shlex.join([str(record.folder), *options])}"


def _data(record: RunRecord, tested: Outcome | None) -> Iterator[Finding]:
    if record.sample_of:
        whole = record.sample_of
        advice = _advice(f"Train on {whole} itself: `cnnspec data fetch {whole}` downloads it.")
        yield Finding(f"This is on a sample of {whole}, and no figure for {whole}.", advice)
    if tested and tested.data_changed:
        yield Finding(
            "The files that it was tested on here are not those that the run began with.",
            _advice("Name the folder that it had with `--data-root`."),
            "The hashes of the files differ from those in environment.json.",
        )
    if tested and tested.evaluation.damaged:
        yield Finding(f"{pictures(tested.evaluation.damaged)} could not be read, and are left out.")


def _guessing(tested: Outcome | None) -> Iterator[Finding]:
    if tested and tested.evaluation.accuracy <= GUESSING * tested.largest_share:
        yield Finding(
            "It has learned next to nothing: whoever always says the most frequent class is right in "
            f"{percent(tested.largest_share)}.",
            _advice(
                "Try a learning rate ten times smaller, and one ten times larger. Look at the pictures and "
                "their classes, as `cnnspec data show` draws them."
            ),
            f"The accuracy is at most {GUESSING:g} times the share of the most frequent class.",
        )


def _fitting(record: RunRecord) -> Iterator[Finding]:
    """Tell whether it over-fits: by a test loss that rises, or that is far above the training loss."""
    rows = [row for row in record.history if "test_loss" in row]
    if not rows:
        return
    last, low = rows[-1], min(rows, key=lambda row: row["test_loss"])
    train, test = last["train_loss"], last["test_loss"]
    more = "Try more `augment`, dropout or weight decay, or more pictures to learn from"
    room = _advice("There may be room for a larger network, or for less dropout and `augment`.")
    later = len(rows) - 1 - rows.index(low)
    if later >= AGAIN and test > RISEN * low["test_loss"] and train < low["train_loss"]:
        yield Finding(
            f"It over-fits: since epoch {low['epoch']} the test loss has risen from {low['test_loss']:.4g} "
            f"to {test:.4g}, and the training loss fallen from {low['train_loss']:.4g} to {train:.4g}.",
            _advice(f"{more}; or fewer epochs."),
            f"The last test loss is more than {RISEN:g} times the lowest, which is {AGAIN} tests or more "
            "before it, and the training loss fell since.",
        )
    elif not _is_comparable(record.spec):
        return
    elif test > GAP * train and test - train > LEAST_GAP:
        yield Finding(
            "It does much better on what it has learned from: in epoch "
            f"{last['epoch']} the training loss is {train:.4g}, the test loss {test:.4g}.",
            _advice(f"{more}."),
            f"The last test loss is more than {GAP:g} times the training loss, and {LEAST_GAP:g} above it.",
        )
    elif test <= NEAR * train:
        yield Finding(
            f"It does not over-fit: in epoch {last['epoch']} the training loss is {train:.4g}, the test loss "
            f"{test:.4g}.",
            room if last.get("test_accuracy") != 1 else (),
            f"The last test loss is at most {NEAR:g} times the training loss. That is the mean of an epoch, "
            "while the weights changed, and includes dropout and augmentation.",
        )


def _is_comparable(spec: Spec) -> bool:
    """Tell whether the losses of training and test are the same function."""
    options, augment = spec.train.loss.options, spec.data.augment
    changed = getattr(options, "label_smoothing", 0) or getattr(options, "class_weights", None)
    return not changed and not (augment and augment.mixes)


def _end(record: RunRecord) -> Iterator[Finding]:
    """Tell whether it was still getting better at its end, or had long ceased to."""
    train, history, row = record.spec.train, record.history, record.best
    tested = sum(best.metric(train) in one for one in history)
    if row is None or tested < 3 or record.state not in ("finished", "stopped early"):
        return
    by, last, before = _metric(record), history[-1], history[-2]
    if row is last and last["train_loss"] < (1 - FALLING) * before["train_loss"]:
        more = _advice("Train for longer: `{}`.", command=_resume(record, "--epochs", str(2 * train.epochs)))
        if train.schedule.name in ("cosine", "one_cycle"):
            more = _advice(f"Train anew with more epochs: the schedule `{train.schedule.name}` has ended.")
        yield Finding(
            f"It was still getting better: the last epoch, {last['epoch']}, is the best.",
            more,
            f"The last epoch has the best {by}, and a training loss more than {FALLING:.0%} below that "
            "of the one before.",
        )
    elif row["epoch"] <= last["epoch"] // 2:
        less = "" if train.early_stopping else " by `early_stopping`"
        slower = ""
        if train.schedule.name == "constant":
            slower = ", or let the learning rate come down, as by `schedule: cosine`"
        yield Finding(
            f"It has got no better since epoch {row['epoch']} of {last['epoch']}, by {by}.",
            _advice(f"Stop earlier{less}{slower}."),
            f"The epoch with the best {by} lies in the first half.",
        )


def _steps(record: RunRecord) -> Iterator[Finding]:
    """Tell whether the steps seem too large or too small."""
    losses = [row["train_loss"] for row in record.history]
    lr: float = record.spec.train.optimizer.options.lr
    if len(losses) < 5:
        return
    jumps = sum(later > (1 + JUMPS) * earlier for earlier, later in pairwise(losses))
    if jumps >= OFTEN * (len(losses) - 1):
        yield Finding(
            f"The training loss jumps: it rose by more than {JUMPS:.0%} in {jumps} of {len(losses)} epochs.",
            _advice(
                f"Try a smaller learning rate than {lr:g}, or one that comes down, as by `schedule: cosine`."
            ),
            f"It does so in at least {OFTEN:.0%} of the epochs after the first.",
        )
    elif losses[-1] > SLOW * losses[0] > 0 and record.accuracy is not None and record.accuracy < FAR:
        yield Finding(
            f"It learns slowly: in {len(losses)} epochs the training loss went from {losses[0]:.4g} to "
            f"{losses[-1]:.4g}.",
            _advice(f"Try a larger learning rate than {lr:g}, or a network with more filters."),
            f"The last training loss is more than {SLOW:.0%} of the first, and the accuracy below {FAR:.0%}.",
        )


def _classes(tested: Outcome | None, classes: Sequence[str]) -> Iterator[Finding]:
    """Tell which classes are confused, and which are found least often."""
    if tested is None:
        return
    pair = tested.most_confused
    if pair is None:
        yield Finding("It makes no mistake.", _advice("Test it on more pictures, and on harder ones."))
        return
    one, other, scores = f"“{classes[pair.one]}”", f"“{classes[pair.other]}”", tested.scores
    yield Finding(
        f"{one} and {other} are confused most: {one} is taken for {other} in {pair.one_as_other:,} of "
        f"{pictures(scores[pair.one].support)}, and {other} for {one} in {pair.other_as_one:,} of "
        f"{scores[pair.other].support:,}.",
        _advice(
            "Look at them among the mistakes: is the class that is given doubtful? More such pictures help."
        ),
        "No other two classes are taken for each other more often, both ways together.",
    )
    if len(scores) > 2:
        yield _weakest(tested, classes)


def _weakest(tested: Outcome, classes: Sequence[str]) -> Finding:
    """Tell which classes are found least often; there is at least one mistake."""
    found = [(score.recall, label) for label, score in enumerate(tested.scores) if score.support]
    weakest = [one for one in sorted(found)[:WEAKEST] if one[0] < 1]
    told = ", ".join(f"“{classes[label]}” {percent(recall)}" for recall, label in weakest)
    label, rule = (
        weakest[0][1],
        "The lowest recall: the share of a class's pictures that are classified correctly.",
    )
    support, mean = tested.scores[label].support, tested.count / len(found)
    if support >= FEW * mean:
        return Finding(f"Found least often: {told}.", rule=rule)
    return Finding(
        f"Found least often: {told}. Of “{classes[label]}” there are {pictures(support)} to test on, and of "
        f"a class in the mean {mean:,.0f}.",
        _advice("If it has few to learn from, too: find more, or count them for more by `class_weights`."),
        f"{rule} Few are less than {FEW:.0%} of the mean.",
    )

"""Every sentence about a run is told where its rule holds, and nowhere else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import cnnspec
from cnnspec.report.compare import comparison
from cnnspec.report.evidence import Evidence
from cnnspec.report.outcome import Outcome
from cnnspec.report.sentences import Finding, findings
from cnnspec.training.evaluate import Evaluation
from cnnspec.training.record import RunRecord, State
from cnnspec.training.scores import accuracy

GOOD = torch.tensor([[95, 5, 0], [2, 98, 0], [1, 3, 96]])
NAMES = ("cat", "dog", "eel")


def record(
    train: list[float],
    test: list[float | None],
    shares: list[float] | None = None,
    *,
    options: str = "",
    augment: str = "",
    data: str = "dataset: mnist",
    state: State = "finished",
    epochs: int | None = None,
) -> RunRecord:
    """Return a run with these losses an epoch; the accuracies are better the lower the test loss is, if not given."""
    section = f"{{epochs: {epochs or max(1, len(train))}{', ' if options else ''}{options}}}"
    text = f"input: [1, 8, 8]\nlayers: [flatten, fc: 10]\ndata: {{{data}{augment}}}\ntrain: {section}\n"
    history: list[dict[str, Any]] = []
    for number, (loss, tested) in enumerate(zip(train, test, strict=True)):
        row: dict[str, Any] = {"epoch": number + 1, "train_loss": loss, "lr": 0.001, "seconds": 1.0}
        if tested is not None:
            right = shares[number] if shares else 1 / (1 + tested)
            row |= {"test_loss": tested, "test_accuracy": right, "test_macro_f1": right}
        history.append(row)
    return RunRecord(Path("runs/x y"), cnnspec.loads(text), history, {}, state)


def outcome(confusion: Tensor, **changes: Any) -> Outcome:
    result = Evaluation(0.3, accuracy(confusion), confusion)
    return replace(
        Outcome("data", 1, result, (), (), (0, torch.zeros(1)), "the same"),
        **changes,
    )


def told(run: RunRecord, test: Outcome | None = None) -> list[Finding]:
    return findings(run, test, NAMES)


FALLING = [2.0, 1.0, 0.7, 0.5, 0.4, 0.3]

CASES: dict[str, tuple[RunRecord, str, str]] = {
    "over-fits": (
        record(FALLING, [1.5, 1.0, 0.8, 0.9, 1.0, 1.1]),
        "It over-fits: since epoch 3 the test loss has risen from 0.8 to 1.1, and the training loss fallen from 0.7 to 0.3",
        "augment",
    ),
    "far above": (record(FALLING, [2.0, 1.2, 1.0, 0.9, 0.8, 0.8]), "It does much better on what it has learned from: in epoch 6 the training loss is 0.3, the test loss 0.8", "augment"),
    "does not over-fit": (record(FALLING, [1.8, 0.9, 0.6, 0.5, 0.4, 0.32]), "It does not over-fit: in epoch 6 the training loss is 0.3, the test loss 0.32", "larger network"),
    "still better": (record(FALLING, [1.8, 0.9, 0.6, 0.5, 0.45, 0.4]), "It was still getting better: the last epoch, 6, is the best", "cnnspec train --resume 'runs/x y' --epochs 12"),
    "still better, by a schedule": (record(FALLING, [1.8, 0.9, 0.6, 0.5, 0.45, 0.4], options="schedule: cosine"), "It was still getting better", "anew with more epochs"),
    "long ceased": (record(FALLING, [1.0, 0.5, 0.6, 0.51, 0.52, 0.51]), "It has got no better since epoch 2 of 6, by test accuracy", "early_stopping"),
    "jumps": (record([1.0, 0.5, 0.9, 0.4, 0.8, 0.3], [0.5] * 6), "The training loss jumps: it rose by more than 2% in 2 of 6 epochs", "smaller learning rate than 0.001"),
    "slow": (record([2.3, 2.29, 2.28, 2.27, 2.26], [2.3, 2.29, 2.28, 2.27, 2.26]), "It learns slowly: in 5 epochs the training loss went from 2.3 to 2.26", "larger learning rate than 0.001"),
    "a sample": (record([1.0], [1.0], data="dataset: mnist-sample"), "This is on a sample of mnist, and no figure for mnist", "cnnspec data fetch mnist"),
    "interrupted": (record([1.0], [1.0], state="interrupted", epochs=5), "The run was interrupted: 1 of 5 epochs are done", "cnnspec train --resume 'runs/x y'"),
    "running": (record([1.0], [1.0], state="running", epochs=5), "The run goes on: 1 of 5 epochs are done", ""),
    "not tested yet": (record([1.0, 1.0], [None, None], state="running", epochs=5), "2 of 5 epochs are done, and none was tested yet", ""),
    "no epoch": (record([], [], state="running"), "No epoch is done yet", ""),
    "untested here": (record([1.0], [1.0]), "The test accuracy is 50.00 % in epoch 1 of 1, the best by test accuracy", ""),
    "picked by loss": (record([1.0], [1.0], options="best: loss"), "the best by test loss", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_told(case: tuple[RunRecord, str, str]) -> None:
    """A run to which a rule applies is told so, with what to try."""
    run, text, advice = case
    (finding,) = [one for one in told(run) if text in one.text]
    assert advice in "".join(finding.advice)


NOT: dict[str, tuple[RunRecord, str]] = {
    "a rise that may be noise": (record(FALLING[:4], [1.5, 1.0, 0.8, 0.9]), "over-fits"),
    "a rise of a tenth": (record(FALLING, [1.5, 1.0, 0.8, 0.85, 0.86, 0.87]), "over-fits"),
    "both rise": (record([1.0, 0.5, 0.6, 0.7], [1.0, 0.5, 0.7, 0.8]), "over-fits"),
    "other losses, smoothed": (
        record(
            FALLING, [2.0, 1.2, 1.0, 0.9, 0.8, 0.8], options="loss: {cross_entropy: {label_smoothing: 0.1}}"
        ),
        "learned from",
    ),
    "other losses, mixed": (
        record(FALLING, [2.0, 1.2, 1.0, 0.9, 0.8, 0.8], augment=", augment: {mixup: 0.2}"),
        "learned from",
    ),
    "tiny losses": (record([0.01, 0.001], [0.01, 0.003]), "learned from"),
    "all right already": (record([0.2, 0.1], [0.1, 0.1], [1.0, 1.0]), "larger network"),
    "still running": (
        record(FALLING, [1.8, 0.9, 0.6, 0.5, 0.45, 0.4], state="running"),
        "still getting better",
    ),
    "training has stalled": (record([1.0, 0.5, 0.5], [1.0, 0.6, 0.5]), "still getting better"),
    "best late": (record(FALLING, [1.0, 0.8, 0.7, 0.5, 0.6, 0.6]), "got no better"),
    "one jump": (record([1.0, 0.5, 0.6, 0.4, 0.3, 0.2], [0.5] * 6), "jumps"),
    "fast": (record(FALLING, FALLING), "slowly"),  # type: ignore[arg-type]  # floats only
    "slow but good": (record([0.1, 0.09, 0.09, 0.09, 0.09], [0.1] * 5, [0.99] * 5), "slowly"),
}


@pytest.mark.parametrize("case", NOT.values(), ids=NOT)
def test_not_told(case: tuple[RunRecord, str]) -> None:
    """Where a rule does not hold, nothing is said."""
    run, text = case
    assert not [one for one in told(run) if text in f"{one.text} {''.join(one.advice)}"]


def test_classes() -> None:
    """The most confused pair and the classes that are found least often come from the confusion matrix."""
    first, *_, pair, weakest = told(record([1.0], [1.0]), outcome(GOOD))
    assert first.text.startswith(
        "289 of 300 test pictures are classified correctly: 96.33 %, with the weights of epoch 1"
    )
    assert pair.text == (
        "“cat” and “dog” are confused most: “cat” is taken for “dog” in 5 of 100 pictures, and “dog” for “cat” in 2 of 100."
    )
    assert weakest.text == "Found least often: “cat” 95.00 %, “eel” 96.00 %, “dog” 98.00 %."


def test_few_pictures() -> None:
    """Of a class that is found least often and has few pictures, both is told; of one without any, nothing."""
    weakest = told(record([1.0], [1.0]), outcome(torch.tensor([[90, 0, 10], [0, 100, 0], [6, 0, 4]])))[-1]
    assert weakest.text.startswith(
        "Found least often: “eel” 40.00 %, “cat” 90.00 %. Of “eel” there are 10 pictures to test on"
    )
    assert "class_weights" in "".join(weakest.advice)
    weakest = told(record([1.0], [1.0]), outcome(torch.tensor([[9, 1, 0], [0, 9, 0], [0, 0, 0]])))[-1]
    assert weakest.text == "Found least often: “cat” 90.00 %."


def test_no_mistakes() -> None:
    """A network without mistakes is told so, and no class is called weak."""
    found = told(record([1.0], [1.0]), outcome(torch.eye(3, dtype=torch.int64) * 10))
    assert found[-1].text == "It makes no mistake."


def test_guessing() -> None:
    """A network that always says the same has learned nothing; how it fits is not worth a word then."""
    run = record([2.3] * 6, [2.3] * 6)
    found = [one.text for one in told(run, outcome(torch.tensor([[50, 0, 0], [30, 0, 0], [20, 0, 0]])))]
    assert any("always says the most frequent class is right in 50.00 %" in text for text in found)
    assert not any("over-fit" in text or "confused" in text for text in found)


def test_doubtful_data() -> None:
    """Data that has changed since, and pictures that could not be read, are told."""
    result = replace(outcome(GOOD).evaluation, damaged=2)
    texts = [
        one.text for one in told(record([1.0], [1.0]), outcome(GOOD, evaluation=result, data_changed=True))
    ]
    assert any("not those that the run began with" in text for text in texts)
    assert any("2 pictures could not be read" in text for text in texts)


def test_names_are_never_code() -> None:
    """A folder with backticks in its name is one piece of code in the advice, and no more."""
    run = replace(record([1.0], [1.0], state="interrupted", epochs=2), folder=Path("a`b` {}c"))
    (advice,) = [one.advice for one in told(run) if "interrupted" in one.text]
    assert advice == ("Go on with ", "cnnspec train --resume 'a`b` {}c'", ".")


def evidence(name: str, right: int, source: str = "the same") -> Evidence:
    table = torch.tensor([[right, 1000 - right], [0, 1000]])
    run = replace(record([1.0], [1.0]), folder=Path(name))
    return Evidence(run, ("0", "1"), outcome(table, source=source))


def test_comparison() -> None:
    """The most accurate run is named; what may be chance is called so, by the normal distribution."""
    (clear,) = comparison([evidence("a", 900), evidence("b", 990), evidence("c", 800)])
    assert clear.text == "b is the most accurate: 99.50 %; a follows with 95.00 %."
    (close,) = comparison([evidence("a", 900), evidence("b", 905)])
    assert close.text.endswith("So small a difference may well be chance.")
    assert "less than 1.33 points on 2,000 pictures" in close.rule
    (equal,) = comparison([evidence("a", 900), evidence("b", 900)])
    assert equal.text == "a and b are equally accurate: 95.00 %."


def test_what_cannot_be_compared() -> None:
    """Runs on different test pictures are not ranked, nor is one that was not tested."""
    (finding,) = comparison([evidence("a", 900), evidence("b", 990, "others")])
    assert "cannot be compared" in finding.text
    assert comparison([evidence("a", 900), replace(evidence("b", 1), tested=None)]) == []

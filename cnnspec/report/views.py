"""A run's evidence in the words and tables of its page."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from markupsafe import Markup

from cnnspec.data.grid import as_pictures
from cnnspec.errors import Problem
from cnnspec.language.yaml_text import to_yaml
from cnnspec.report.charts import Chart, of_run
from cnnspec.report.evidence import Chosen, Evidence
from cnnspec.report.filters import FirstLayer, first_convolution
from cnnspec.report.matrix import Matrix, matrix
from cnnspec.report.mistakes import Mistake
from cnnspec.report.outcome import Outcome
from cnnspec.report.pictures import Picture, picture
from cnnspec.report.plot import plot
from cnnspec.report.sentences import Finding, cut, findings, percent
from cnnspec.shape import times
from cnnspec.units import duration
from cnnspec.views import summary
from cnnspec.views.diagram import draw
from cnnspec.views.drawing.scene import Scene
from cnnspec.views.pages.tables import Table, summary_table

MOST_SCORES = 50
"""Classes whose scores are shown at most."""

LONGEST_NAME = 60
"""Characters of a class's name that are shown."""

MOST_FACTS, LONGEST = 100, 300
"""Rows of the environment that are shown at most, and characters of each."""


class Shown(NamedTuple):
    """A mistake as a page shows it; each guess is a class, its probability, and whether it is right."""

    picture: Picture
    name: str
    true: str
    taken: str
    guesses: tuple[tuple[str, str, bool], ...]

    @property
    def alt(self) -> str:
        """What the picture shows."""
        return f"{self.name}: {self.true}, taken for {self.taken}"


@dataclass(frozen=True)
class RunView:
    """A run for its page; `id` is what its parts are called there."""

    id: str
    name: str
    evidence: Evidence

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, as long as there is room for."""
        return tuple(cut(name, LONGEST_NAME) for name in self.evidence.classes)

    @property
    def findings(self) -> list[Finding]:
        """What the numbers say."""
        return findings(self.evidence.record, self.evidence.tested, self.classes)

    @property
    def missing(self) -> tuple[Problem, ...]:
        """Why something is left out."""
        return self.evidence.missing

    @property
    def missing_told(self) -> str:
        """What is left out."""
        left_out = "the confusion matrix, the scores of the classes and the mistakes"
        if self.evidence.first is None and first_convolution(self.evidence.record.plan):
            return f"This report lacks {left_out}, and the filters of the first convolution:"
        if self.evidence.first and self.evidence.chosen is None:
            return f"This report lacks {left_out}, and the feature maps of a picture:"
        return f"This report lacks {left_out}:"

    @property
    def figures(self) -> list[tuple[str, str]]:
        """The most important numbers, with their names."""
        record, tested = self.evidence.record, self.evidence.tested
        found = []
        if tested:
            top = tested.evaluation.top_k_accuracy
            found = [
                ("test accuracy", percent(tested.evaluation.accuracy)),
                *([] if top is None else [(f"top-{record.spec.train.top_k} accuracy", percent(top))]),
                ("macro F1", percent(tested.evaluation.macro_f1)),
                ("test loss", f"{tested.evaluation.loss:.4g}"),
                ("mistakes", f"{tested.wrong:,} of {tested.count:,}"),
            ]
        elif record.accuracy is not None:
            found = [("test accuracy", percent(record.accuracy))]
        seconds = "–" if record.seconds is None else duration(record.seconds)
        return [
            *found,
            ("epochs", f"{len(record.history)} of {record.spec.train.epochs}"),
            ("training time", seconds),
            ("parameters", f"{record.plan.params:,}"),
            ("MACs", f"{record.plan.macs:,}"),
        ]

    @cached_property
    def charts(self) -> list[tuple[Chart, Markup]]:
        """The curves, drawn."""
        best = self.evidence.record.best
        charts = of_run(self.evidence.record.history, best["epoch"] if best else None)
        return [(chart, plot(chart)) for chart in charts]

    @property
    def scene(self) -> Scene:
        """The picture of the network."""
        return draw(self.evidence.record.plan)

    @property
    def summary(self) -> Table:
        """The table of the network's layers."""
        return summary_table(self.evidence.record.plan)

    @property
    def totals(self) -> list[str]:
        """What stands below that table."""
        return summary.totals(self.evidence.record.plan)

    @cached_property
    def matrix(self) -> Matrix | None:
        """The confusion matrix."""
        tested = self.evidence.tested
        return matrix(tested.evaluation.confusion, self.classes) if tested else None

    @property
    def scores(self) -> Table:
        """The scores of each class, or of many those with the lowest F1."""
        scores = list(zip(self.classes, self._tested.scores, strict=True))
        if len(scores) > MOST_SCORES:
            scores = sorted(scores, key=lambda one: one[1].f1)[:MOST_SCORES]
        rows = [
            (name, percent(one.precision), percent(one.recall), percent(one.f1), f"{one.support:,}")
            for name, one in scores
        ]
        return Table(("class", "precision", "recall", "F1", "pictures"), rows, (1, 2, 3, 4))

    @property
    def scores_caption(self) -> str:
        """What that table is."""
        count, more = len(self.classes), ""
        if count > MOST_SCORES:
            more = f"; of {count:,} classes the {MOST_SCORES} with the lowest F1"
        return (
            "Precision: the share of a class's predictions that are right; recall: the share of its pictures "
            f"that are found; F1: their harmonic mean{more}"
        )

    @property
    def mistakes_told(self) -> str:
        """Which mistakes are shown."""
        wrong, shown = self._tested.wrong, len(self._tested.mistakes)
        which = f"The {shown} surest of {wrong:,} mistakes" if shown < wrong else "All mistakes"
        return (
            f"{which}, those first of which the network was most certain: the right class → the one it said, "
            "the probabilities it gives, and which test picture it is, counted from 0."
        )

    @cached_property
    def mistakes(self) -> list[Shown]:
        """The surest mistakes."""
        tested = self._tested
        return [self._mistake(one, name) for one, name in zip(tested.mistakes, tested.names, strict=True)]

    @property
    def first(self) -> FirstLayer | None:
        """The first convolution."""
        return self.evidence.first

    @property
    def chosen(self) -> Chosen | None:
        """The picture whose feature maps are shown."""
        return self.evidence.chosen

    @property
    def filters_told(self) -> str:
        """What the pictures of the first convolution show."""
        first, chosen = self.evidence.first, self.evidence.chosen
        assert first
        count = f"{first.count} filters" if first.count > 1 else "filter"
        shown = (
            f"the first {len(first.filters)} of its {count}"
            if len(first.filters) < first.count
            else f"its {count}"
        )
        text = f"{first.path} has windows of {times(first.size)} over {first.channels} channel"
        text += (
            f"{'s' * (first.channels != 1)}: {shown}. Middle gray is a weight of 0, white and black are the "
        )
        text += "filter's largest weight above and below it."
        if chosen:
            text += " Beside each is what it makes of the picture, from black, its least value, to white."
        return text

    @property
    def spec(self) -> str:
        """The spec, as it was trained."""
        return to_yaml(self.evidence.record.spec.resolved())

    @property
    def environment(self) -> Table:
        """What the result depends on beside the spec."""
        facts = islice(_facts(self.evidence.record.environment), MOST_FACTS)
        return Table(("what", "value"), [tuple(cut(text, LONGEST) for text in fact) for fact in facts])

    @property
    def _tested(self) -> Outcome:
        assert self.evidence.tested
        return self.evidence.tested

    def _mistake(self, one: Mistake, name: str) -> Shown:
        classes, shape = self.classes, self.evidence.record.plan.input_shape
        guesses = list(one.guesses)
        if one.true.label not in [guess.label for guess in guesses]:
            guesses[-1:] = [one.true]
        return Shown(
            picture(as_pictures(one.inputs.unsqueeze(0), shape)[0]),
            name or f"picture {one.index}",
            classes[one.true.label],
            classes[one.guesses[0].label],
            tuple(
                (classes[guess.label], f"{100 * guess.probability:.1f} %", guess.label == one.true.label)
                for guess in guesses
            ),
        )


def _facts(environment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the values in nested mappings and lists by their path, in a line each."""
    left: list[tuple[str, Any]] = [("", environment)]
    while left:  # no recursion: a file may be nested as deep as it likes
        path, value = left.pop()
        if isinstance(value, dict):
            inner = [(f"{path}.{name}" if path else str(name), one) for name, one in value.items()]
            left += reversed(inner)
        elif isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
            left += reversed([(f"{path}[{number}]", one) for number, one in enumerate(value)])
        elif isinstance(value, list):
            words = list(map(str, value))
            yield path, shlex.join(words) if path == "command" else ", ".join(words)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)

"""What several runs say beside each other."""

import math
from collections.abc import Sequence

from cnnspec.report.evidence import Evidence
from cnnspec.report.sentences import Finding, cut, percent

LONGEST = 60
"""Characters of a run's name that are shown."""

SURE = 1.96
"""Standard deviations on either side that 95 % of a normal distribution lie within."""


def names(runs: Sequence[Evidence]) -> list[str]:
    """Return a name for each run: its folder's, or the whole path where several are called the same."""
    found = [run.record.folder.resolve().name for run in runs]
    if len(set(found)) < len(found):
        found = [str(run.record.folder) for run in runs]
    return [cut(name, LONGEST) for name in found]


def comparison(runs: Sequence[Evidence]) -> list[Finding]:
    """Return which run is the best, and whether that may be by chance."""
    called = names(runs)
    ranked = sorted(
        (
            (run.tested.evaluation.accuracy, name, run.tested)
            for run, name in zip(runs, called, strict=True)
            if run.tested
        ),
        key=lambda one: -one[0],
    )
    if len(ranked) < 2:
        return []
    (best, first, tested), (second, other, _) = ranked[:2]
    if any(one.source != tested.source for _, _, one in ranked):
        return [
            Finding(
                "The runs were tested on different pictures, so their figures cannot be compared.",
                rule="Their data differ in name, files or number of test pictures.",
            )
        ]
    spread = SURE * math.sqrt((best * (1 - best) + second * (1 - second)) / tested.count)
    if best == second:
        return [Finding(f"{first} and {other} are equally accurate: {percent(best)}.")]
    text = f"{first} is the most accurate: {percent(best)}; {other} follows with {percent(second)}."
    rule = (
        f"Of two networks that are equally good, 95 % differ by less than {100 * spread:.2f} points on "
        f"{tested.count:,} pictures, if their mistakes do not depend on each other: "
        "1.96·√((p₁(1 − p₁) + p₂(1 − p₂))/n)."
    )
    if best - second < spread:
        text += " So small a difference may well be chance."
        return [Finding(text, ("Train both with other seeds, and see whether it stays.",), rule)]
    return [Finding(text, rule=rule)]

"""What a notebook shows of a plan: the summary's table, and the picture of the network."""

from markupsafe import Markup

from cnnspec.plan import Plan
from cnnspec.views.diagram import draw
from cnnspec.views.drawing.svg import as_svg
from cnnspec.views.pages.page import fragment
from cnnspec.views.pages.tables import summary_table
from cnnspec.views.summary import totals


def plan_html(plan: Plan) -> str:
    """Return a plan as a piece of HTML, whose styles are for nothing else in the notebook."""
    return fragment(
        "plan.html",
        name=plan.name,
        summary=summary_table(plan),
        totals=totals(plan),
        picture=Markup(as_svg(draw(plan))),  # noqa: S704  # it has escaped all texts
    )

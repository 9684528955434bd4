"""Problems as annotations of GitHub, which shows them beside the lines of a pull request.

A line on standard output is a command to the runner of a workflow:
https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
What is escaped in it, and how, is written in GitHub's own toolkit:
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
"""

from cnnspec.errors import Problem, one_line

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def annotation(problem: Problem) -> str:
    """Return a problem as a line that makes it an annotation: ``::error file=net.yaml,line=3,…::message``.

    One of no file, as of standard input, is an annotation of the whole job.
    """
    properties = {}
    place = problem.place
    if place and not place.file.startswith("<"):
        properties["file"] = one_line(place.file)
        if place.line:
            properties |= {"line": str(place.line), "col": str(place.column)}
    properties["title"] = "cnnspec"
    told = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
    message = "\n".join([problem.message, *(use.strip() for use in problem.trail)])
    return f"::{problem.severity} {told}::{_escaped(message, _DATA)}\n"


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)

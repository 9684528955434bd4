"""A layer that reads modules, for `cnnspec import`, is held to those that it builds."""

from cnnspec.importing.layers import differences, layer_of
from cnnspec.layers import Case, Layer
from cnnspec.model import modules
from cnnspec.testing.expecting import expect


def check_read(layer: Layer, case: Case) -> None:
    """See that the module which the layer builds is read as what builds the same, if the layer reads any.

    Another layer may have a shorter word for some of its modules, and read those.
    """
    if type(layer).read.__func__ is Layer.read.__func__:  # type: ignore[attr-defined]  # class methods have it
        return
    module = layer.build(modules, case.input)
    fields = type(layer).read(module, case.input)
    if fields is None:
        expect(layer_of(module, case.input), "the module that it builds is read as no layer")
        return
    again = type(layer).of(fields).build(modules, case.input)
    names = " and ".join(differences(module, again))
    expect(not names, f"the module that it builds is read as {fields}, which builds one with another {names}")

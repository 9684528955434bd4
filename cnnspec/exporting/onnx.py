"""A network as an ONNX file, made by torch's exporter and run before it gets its name."""

import re
from pathlib import Path

import torch
from onnx import ModelProto
from torch.export import ExportedProgram

from cnnspec.errors import CnnspecError, Problem
from cnnspec.exporting.decompositions import TABLE
from cnnspec.exporting.messages import LARGEST, without_traces
from cnnspec.exporting.network import Network
from cnnspec.exporting.program import OUTPUT, Program, first_line
from cnnspec.exporting.quiet import quiet
from cnnspec.exporting.session import Session
from cnnspec.exporting.verify import Agreement, verify
from cnnspec.memory import in_units
from cnnspec.plan import Plan
from cnnspec.training.files import whole

OPSET = 18
"""Version of ONNX's operators, of December 2022: the one that torch's exporter writes by itself."""

_FLOAT_BYTES = 4


def write(network: Network, program: Program, path: Path) -> Agreement:
    """Write a network's program to a file, and return how its outputs compare with the network's.

    Raises CnnspecError, and then leaves no file, where ONNX cannot express the network, the outputs are not
    the same, or the file cannot be written.
    """
    _check_size(network, network.plan.params * _FLOAT_BYTES)
    with whole(path) as stream:
        model = _converted(network, program)
        _check_size(network, model.ByteSize())
        data = model.SerializeToString()
        del model  # a copy of all weights
        stream.write(data)
        return verify(Session(data, path), program, network.plan.name, path)


def _converted(network: Network, program: Program) -> ModelProto:
    traced = program.exported()
    try:
        with quiet(), torch.no_grad():
            if any(node.target in TABLE for node in traced.graph.nodes):
                traced = traced.run_decompositions(TABLE)
            made = torch.onnx.export(
                traced,
                (program.example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[program.input],
                output_names=[OUTPUT],
                dynamic_shapes=(program.axes,),
                external_data=False,
                verbose=False,
            )
            assert made  # with dynamo=True there is a program, or an error
            model = without_traces(made.model_proto)
    except Exception as error:  # noqa: BLE001  # a layer of a plugin can make any part of torch fail
        raise CnnspecError(_problem(error, traced, network.plan)) from None
    model.graph.name, model.doc_string = network.plan.name, network.plan.spec.description
    for name, value in network.facts.items():
        model.metadata_props.add(key=name, value=value)
    return model


def _problem(error: BaseException, traced: ExportedProgram, plan: Plan) -> Problem:
    """Return what to tell of an error of torch's exporter: which layer it is, where that can be seen."""
    while error.__cause__ is not None:  # the first one says most
        error = error.__cause__
    fix = "Write a .pt2 file instead, which has all operations of torch"
    unknown = re.search(r"OpOverload\(op='([\w.]+)'", str(error))
    if unknown is None:
        return Problem(f"torch cannot export {plan.name} to ONNX", first_line(error), fix)
    operation, step = unknown[1], None
    modules = [
        path
        for node in traced.graph.nodes
        if str(node.target).startswith(operation)
        for path, _type in node.meta.get("nn_module_stack", {}).values()
    ]
    for leaf in plan.layers:
        if any(f".{module}".endswith(f".{leaf.path}") for module in modules):
            step = leaf
            break
    what = f"{step.label if step else plan.name} cannot be expressed in ONNX"
    return Problem(what, f"it has nothing for {operation}", fix, step.place if step else None)


def _check_size(network: Network, size: int) -> None:
    """Raise CnnspecError where a file would be larger than any can be."""
    if size > LARGEST:
        what = f"{network.plan.name} has {in_units(size)} of weights"
        raise CnnspecError(Problem(what, "an ONNX file ends at 2 GiB", "Write a .pt2 file instead"))

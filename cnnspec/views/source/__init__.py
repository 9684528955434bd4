"""A network as PyTorch source that stands alone, as a person would write it.

The source comes from the constructors that build the model: layers are given a namespace that
writes down their calls (`recording`). What the calls of all instances of a block have in common
becomes one class (`units`, `folding`, `rounds`), in which each value is a formula that was tried in
every instance (`frame`, `translation`), or else a parameter. Where nothing gives a value in all
instances, they are split into several classes (`classes`). The classes are then written as Ruff
formats them (`writing`, `layout`), with our own modules copied from their files (`own`).
"""

from cnnspec.views.source.module import as_source

__all__ = ["as_source"]

"""The flow graph of a network: boxes, stacks and forks, laid out from the top down."""

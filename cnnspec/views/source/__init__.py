"""A network as PyTorch source that stands alone."""

"""nn.Module to spec: a network written in PyTorch, as a readable file."""

"""From text to checked items: the YAML, its values with their places, expressions, blocks and variables."""

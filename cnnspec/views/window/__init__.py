"""The picture of a window that slides over its padded input, as textbooks draw it: as SVG and as text."""

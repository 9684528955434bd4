"""Pictures of our own: shapes in pixels, their colours, and how they are written as SVG."""

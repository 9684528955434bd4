"""Ways to look at a Plan; none of them imports torch."""

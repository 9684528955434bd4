"""Pages of HTML, each in one file that needs no network."""

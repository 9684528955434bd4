"""The report about runs: one HTML file that shows its reader what to change next."""

"""Other people's layers: found where their package is installed, or named by the user; never by a spec."""

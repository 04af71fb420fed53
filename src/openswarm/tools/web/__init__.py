"""The web: fetching by its rules, search providers, what pages say as text."""

"""The suites: families of tasks over real corpora, with answers that code knows to be right.

A family builds its material from a package that registries serve, and draws tasks from it. What a
run reads is prose; what is right comes from the structured side, which no run sees.
"""

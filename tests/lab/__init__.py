"""The laboratory: a small internet of network namespaces with real servers and real clients.

    node (aks-node) ── gateway ── internet ── hostile

`laboratory.Laboratory` builds and removes it, `story.STEPS` says what must happen in it, `demo` prints
that story and `test_*.py` hold the gateway to it. Nothing of it leaves its namespaces.
"""

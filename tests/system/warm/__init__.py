"""Plugins in real processes, forked from one parent that has imported them already.

A start of Python with all that a plugin imports takes longer than a run over a few records. The
parent (``python -m tests.system.warm.parent``) pays for it once; every run is still three processes
of their own with pipes between them, as a Singer runner makes them.
"""

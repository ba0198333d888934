"""What is looked at while a run is trained: one observed thing per file.

`registry.observers` makes the probes of one run; `schedule` says when they look.
None of them leaves a trace in training.
"""

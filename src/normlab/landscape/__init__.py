"""Surfaces: the loss on a plane of parameter space, of any module.

`plane` and `result` are free of torch; `surface` is the call that measures.
"""

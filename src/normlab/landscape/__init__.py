"""Surfaces: the loss on a plane of parameter space, of any module.

* `intake`: what a user passes as data, as batches;
* `planes`: an origin, two directions and a window, free of torch where it can be;
* `trial`: how the network behaves on a few examples, before anything is measured;
* `evaluate`: the loss at points of a plane, fast or direct;
* `surface`: the call that measures; `nested` chooses the points that are worth it.
"""

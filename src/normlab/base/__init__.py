"""What every part that touches tensors stands on: addressed randomness, undoing.

* `streams`: random numbers found by an address, never by a global seed;
* `digest`: what a tensor holds, as a short text that can be compared;
* `hold`: change a model as you like and always get it back;
* `taps`: hooks that cannot outlive their `with` block;
* `point`: the parameters of a model as one point of a vector space.
"""

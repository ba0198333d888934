"""What every part that touches tensors stands on: addressed randomness, undoing.

* `streams`: random numbers found by an address, never by a global seed;
* `digest`: what a tensor holds, as a short text that can be compared;
* `hold`: change a model as you like and always get it back;
* `taps`: hooks that cannot outlive their `with` block;
* `state`, `outside`, `packing`: what can change beside parameters and buffers;
* `content`: what an object of a user's holds, as a digest;
* `reals`, `settings`, `slots`: complex numbers as pairs, torch's settings, named slots.
"""

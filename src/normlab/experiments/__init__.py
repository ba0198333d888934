"""The experiments that come with normlab, one file each; torch-free.

A file says what the literature did and stated, and which study repeats it: in a
default form that takes minutes on two cores, and at length. `registry` finds one by
its name.
"""

"""Networks with named norm slots, built for the shape and classes of the data.

`registry.build(name, norm, shape, classes)` builds one of ours, `custom` a user's
own. Slots are modules called `norm1`, `norm2`, ...; the norm `none` leaves an
identity there, so all arms of a study name their tensors alike.
"""

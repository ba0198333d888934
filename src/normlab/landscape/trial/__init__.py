"""How a network behaves on a few examples, before anything is measured."""

"""The national document exchange axis."""

__version__ = "0.1.0"

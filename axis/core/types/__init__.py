"""Document types as data: a folder with a manifest and a schema is a type, and no line of code (docs/types.md)."""

"""The schemas and what derives from them."""

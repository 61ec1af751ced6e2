"""Applications (hồ sơ) for public services: their ten statuses, payment, the post, and what a period came to. Pure."""

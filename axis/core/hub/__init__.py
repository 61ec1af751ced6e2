"""What the hub decides: values in, changes out. No transaction, no key, no clock, no row of a database."""

"""What is decided on an agency's side, and what its system gets: values in, values out. No journal, key or clock."""

"""An agency's adapter: what it does, each step where its name says. Between the steps stands its journal."""

"""Ballots of the Government's members: what is asked, what a member answers, sealed, and what follows from it."""

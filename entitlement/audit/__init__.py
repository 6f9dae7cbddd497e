"""Checks the journal with code that shares none with what writes it: a rule that is wrong there is found."""

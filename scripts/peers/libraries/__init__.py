"""snipz and escrowmint as their users call them; `load` is the program, in an environment of its own."""

"""What goes wrong, directed or at random."""

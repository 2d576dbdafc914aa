"""`parking-mock demo`: what re-reporting is, told on a page or as text."""

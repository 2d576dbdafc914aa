"""`parking-mock demo`: re-reporting shown on a page or as text."""

"""Flask on one event loop: what carries requests to the applications."""

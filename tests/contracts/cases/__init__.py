"""Tests of what cases draw."""

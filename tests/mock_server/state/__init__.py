"""Tests of the state as rows."""

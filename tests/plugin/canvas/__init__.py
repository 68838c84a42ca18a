"""Tests of what stands on the canvas."""

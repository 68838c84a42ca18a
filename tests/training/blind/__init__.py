"""Tests of `training/blind`."""

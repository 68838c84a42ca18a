"""Findings as files: one module for each format.

Kept empty of imports, so that reading one format does not load the others.
"""

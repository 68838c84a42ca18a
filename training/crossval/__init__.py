"""Cross-validation: fold models, and figures out of fold."""

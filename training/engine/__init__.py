"""Runs rooms: predictor protocol, cards and weights, registry, training and evaluation."""

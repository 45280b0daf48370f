"""Forecasts of one to some weeks for many areas at once, each model in a file, and the rounds that make them."""

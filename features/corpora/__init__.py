"""Corpora: where recordings come from, one module per kind, one table for all."""

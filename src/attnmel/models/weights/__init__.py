"""Weights on disk and start weights: safetensors files, cards, published ImageNet weights."""

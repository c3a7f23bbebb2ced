"""Mintworks itself in a development cluster: images, chart, a chain and a Kubo, and the demonstration on top."""

"""CRDs, their copies in the chart, and the reference pages, made from the models."""

"""What of the examples is derived: images, the rows' ConfigMap, throwaway keys, CIDs."""

"""`kubectl mintworks`: what people do with jobs and queues of a cluster, in kubectl's own words."""

"""MetadataJob: rows → checked → NFT documents → one folder in IPFS whose CID is computed here."""

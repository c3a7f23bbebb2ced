"""The UploadJob runner: files of an archive or a volume, checked one by one, as one folder in IPFS."""

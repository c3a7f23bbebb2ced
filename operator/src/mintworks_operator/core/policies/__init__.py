"""The policies of a pass, one a file: each a pure function from (case, draft) to the next draft."""

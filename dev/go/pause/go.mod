module mintworks.dev/dev/pause

go 1.21

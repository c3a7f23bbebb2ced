# The images for every platform they are for, by one command:
#
#   REGISTRY=images.example.com/mintworks docker buildx bake --push
#
# A platform that is not the builder's own is emulated by it, or built on a builder of that kind.
variable "REGISTRY" {
  default = "mintworks"
}

variable "TAG" {
  default = "0.1.0"
}

group "default" {
  targets = ["operator", "runner"]
}

target "any" {
  platforms = ["linux/amd64", "linux/arm64"]
}

target "operator" {
  inherits = ["any"]
  target   = "operator"
  tags     = ["${REGISTRY}/operator:${TAG}"]
}

target "runner" {
  inherits = ["any"]
  target   = "runner"
  tags     = ["${REGISTRY}/runner:${TAG}"]
}

// The models are no part of the module that users get: see ../README.md of the repository.
module github.com/autotailor/autotailor/generated/models

go 1.26.0

// These files are for tests, and no part of the module that users get: see README.md of the repository.
module github.com/autotailor/autotailor/internal/conform/testdata/exports

go 1.26.0

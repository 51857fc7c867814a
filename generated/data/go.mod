// The data is no part of the module that users get.
module github.com/autotailor/autotailor/generated/data

go 1.26.0

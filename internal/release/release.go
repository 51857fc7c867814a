// Package release names the version of this module.
package release

// Version is the version of this module, which files that it writes name.
const Version = "0.1.0"

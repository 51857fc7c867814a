// Package newuser does what README.md tells a new user to do, in a module of its own outside this one, with a model and images that are
// not ours: from `init` to an exported SubNet.
package newuser

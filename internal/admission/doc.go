// Package admission decides when an operation may compute. Whoever waits for the
// cores holds nothing, and whoever waits for the platform or for a client does not
// hold a core. The package knows callers by their names only.
package admission

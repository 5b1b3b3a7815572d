// Package prose checks the English of the repository. Its test searches comments,
// string literals, documents and configuration files for banned phrases. Each of
// them occurred many times and has a plainer alternative, which the failure
// suggests. The phrases are in one table, in list_test.go.
package prose

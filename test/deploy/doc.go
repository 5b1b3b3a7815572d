// Package deploy holds the tests of what leadgraph is deployed with: the
// Dockerfile, the compose file and the Kubernetes manifests. It is a module of
// its own, so that the types of Kubernetes stay out of the program's.
package deploy

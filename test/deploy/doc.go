// Package deploy tests the files that leadgraph is deployed with: the Dockerfile,
// the Compose file and the Kubernetes manifests. It is a module of its own, so that
// the dependencies on Kubernetes do not get into the program's go.mod.
package deploy

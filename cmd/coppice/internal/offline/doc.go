// Package offline is what the commands print that work on a tree's file and
// start nothing: check, explain, simulate and graph. What would happen is found
// out by running the tree's own decisions (package strategies) on a virtual clock;
// here it is only put into words, tables and drawings.
//
// Text is for people and may change; JSON is marked v1, like that of package tree,
// whose names and units it uses.
package offline

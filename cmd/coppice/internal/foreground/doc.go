// Package foreground runs a tree of processes in the foreground: it logs what happens
// and what the processes write, answers at the control socket, stops in order
// when it is asked to, tells systemd how it is, and says at the end what went
// wrong. The command `coppice run` is its flags.
package foreground

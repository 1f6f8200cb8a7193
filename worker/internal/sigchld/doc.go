// Package sigchld is for programs that do nothing but supervise.
package sigchld

// Package netpoll puts descriptors under the care of Go's network poller, where
// waiting for them takes no thread. It is for Linux.
package netpoll

//go:build !unix

package demo

import "os"

// Package worker starts no processes here, so there is nobody to give orders to.

func (f Fault) signal() os.Signal { return os.Kill }

func faultOf(os.Signal) Fault { return NoFault }

func notifyOrders(chan<- os.Signal) {}

func alive(int) bool { return false }

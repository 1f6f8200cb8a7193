//go:build !race

package strategies

const raced = false

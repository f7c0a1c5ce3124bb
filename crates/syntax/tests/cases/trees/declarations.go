//go:build linux && go1.22

// Package p shows every kind of declaration.
package p // the package

/*
#include <stdio.h>
*/
import "C"
import (
	// doc of fmt
	"fmt" // comment of fmt
	. "math"
	_ "unsafe"
	str "strings"
)

// doc of the constants
const (
	A = iota // comment of A
	B
	// doc of C
	C, D float64 = 1, 2
)

var x, y int
var z = 0x1p-2 + 0b1_0i + 'a' + len(`raw`)

type (
	// doc of T
	T struct {
		// doc of a
		a, b int `tag:"a"` // comment of a
		*E
		p.F
		G[int]
		H [4]int
		_ [n]T
	}
	Alias             = T
	Set[K comparable] = map[K]struct{}
	I                 interface {
		// doc of m
		m(x int, ys ...string) (n int, err error) // comment of m
		~int | ~[]byte
		p.J
		K[int, string]
	}
	Pair[K comparable, V any]  struct{ k K; v V }
	Array[P *T,]               [4]P
	Ptr[P *T | ~int]           []P
	NotGeneric                 [P * T]int
	Fn                         func(int, ...string) func() (<-chan chan<- int)
)

// doc of m
//
//export m
func (r *T) m[P any](x, y int, f func(P) P) (int, error) {
	return 0, nil
}

func external(a int) (b chan (<-chan int))

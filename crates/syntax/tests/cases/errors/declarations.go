package p

import "fmt"

var x int

import /* ERROR "imports must appear before other declarations" */ "os"

x /* ERROR "expected declaration, found x" */ := 1

var y = ; /* ERROR "expected operand, found ';'" */

type /* ERROR "expected ';', found 'type'" */ (
	B interface {
		m[ /* ERROR "interface method must have no type parameters" */ T any]()
	}
	C[P any, Q] /* ERROR "missing type constraint" */ struct{}
	D = func[ /* ERROR "function type must have no type parameters" */ P any]()
	E struct {
		( /* ERROR "cannot parenthesize embedded type" */ T)
	}
)

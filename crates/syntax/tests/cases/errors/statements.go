package p

func f() {
	if { /* ERROR "missing condition in if statement" */ }
	if x = 1; /* ERROR "missing condition in if statement" */ {
	}
	if x /* ERROR "expected boolean expression, found assignment" */ = 1 {
	}
	for a, b, c /* ERROR "expected at most 2 expressions" */ := range x {
	}
	go x /* ERROR END "expression in go must be function call" */
	defer ( /* ERROR "expression in defer must not be parenthesized" */ f())
	a /* ERROR "expected 1 expression" */, b: ;
	x.y: /* ERROR "illegal label declaration" */ ;
	switch x = /* ERROR "expected ':=', found '='" */ y.(type) {
	}
	f(1, 2
	/* ERROR END "missing ',' before newline in argument list" */
} /* ERROR "expected operand, found '}'" */

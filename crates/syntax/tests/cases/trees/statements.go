package p

func f(xs ...int) {
	var a, b = 1, 2
	const c = 3
	type t int
	a, b = b, a
	a <<= 1; b &^= 2
	v, ok := m[1]
	a++
	ch <- <-ch
	go f(xs...)
	defer func() { recover() }()
	if x := f(); x > 0 {
	} else if x < 0 {
	} else {
	}
L:
	for {
		continue L
	}
	for a < b {
	}
	for i := 0; i < 10; i++ {
		break
	}
	for range 10 {
	}
	for k := range xs {
	}
	for k, v = range seq {
		goto L
	}
	switch {
	}
	switch x := f(); x {
	case 1, 2:
		fallthrough
	default:
	}
	switch y := x.(type) {
	case nil, int, []T:
	}
	switch x := 1; x.(type) {
	}
	select {
	case v := <-ch:
	case v, ok = <-ch:
	case ch <- 1:
	case <-ch:
	default:
		return a, b
	}
	{
		;
	}
	goto L
M:
}

package p

func f(a int, string) /* ERROR "missing parameter type" */ {}

func g(a int, * /* ERROR "missing parameter name" */ T) {}

func h[] /* ERROR "empty type parameter list" */() {}

func i(a ... /* ERROR "can only use ... with final parameter" */ int, b int) {}

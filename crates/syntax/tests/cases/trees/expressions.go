package p

var _ = a + b*c - d<<2&^e
var _ = a && b || !c == d
var _ = (*p).x[i][1:2:3][:][:n]
var _ = []T{{1, 2}, 3: {x: y, "k": &T{}}}
var _ = [...]struct{ x int }{}
var _ = map[string][]int{"a": nil}
var _ = f[int](x)(y, z...)
var _ = Pair[int, string]{1, "a"}
var _ = x.(T).y.(interface{ m() })
var _ = func(x int) (y int) { return x }
var _ = <-chan int(c)
var _ = (<-chan int)(c)
var _ = (chan<- func())(nil)
var _ = -1 ^ +2 - ^3
var _ = *&x
var _ = [2]int{0: 1, 1: 2}[0]
var _ = é.日本語

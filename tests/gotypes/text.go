package main

import (
	"fmt"
	"go/types"
	"sort"
	"strings"
)

// writer writes types so that equal texts mean interchangeable types: anonymous C structs by what they hold and by the names
// that stand for them, never by the generator's numbers.
type writer struct {
	u *unit
	// names of the aliases of each anonymous struct
	aliases map[*types.TypeName][]string
	// the anonymous structs around the place that is being written
	open []*types.TypeName
}

func newWriter(u *unit) *writer {
	w := &writer{u: u, aliases: map[*types.TypeName][]string{}}
	scope := u.pkg.Scope()
	for _, name := range scope.Names() {
		object, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || !object.IsAlias() || numbered.MatchString(name) {
			continue
		}
		if named, ok := types.Unalias(object.Type()).(*types.Named); ok && isAnonymous(named) {
			w.aliases[named.Obj()] = append(w.aliases[named.Obj()], name)
		}
	}
	for _, names := range w.aliases {
		sort.Strings(names)
	}
	return w
}

func isAnonymous(named *types.Named) bool {
	return numbered.FindString(named.Obj().Name()) == named.Obj().Name()
}

// sizeAndAlign of a type that the checker may have found to be invalid.
func (w *writer) sizeAndAlign(t types.Type) (size, align int64) {
	defer func() {
		if recover() != nil {
			size, align = -1, -1
		}
	}()
	return w.u.sizes.Sizeof(t), w.u.sizes.Alignof(t)
}

func (w *writer) text(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return w.named(t)
	case *types.Pointer:
		return "*" + w.text(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), w.text(t.Elem()))
	case *types.Slice:
		return "[]" + w.text(t.Elem())
	case *types.Struct:
		return w.structure(t)
	case *types.Signature:
		return "func" + w.signature(t)
	default:
		return types.TypeString(t, nil)
	}
}

func (w *writer) named(t *types.Named) string {
	object := t.Obj()
	if !isAnonymous(t) {
		if pkg := object.Pkg(); pkg != nil && pkg != w.u.pkg {
			return pkg.Path() + "." + object.Name()
		}
		return object.Name()
	}
	for depth, outer := range w.open {
		if outer == object {
			return fmt.Sprintf("outer#%d", depth)
		}
	}
	w.open = append(w.open, object)
	defer func() { w.open = w.open[:len(w.open)-1] }()
	return fmt.Sprintf("anonymous(%s) %s", strings.Join(w.aliases[object], " "), w.text(t.Underlying()))
}

func (w *writer) structure(t *types.Struct) string {
	fields := make([]*types.Var, t.NumFields())
	for i := range fields {
		fields[i] = t.Field(i)
	}
	offsets := w.offsets(fields)
	size, align := w.sizeAndAlign(t)
	var b strings.Builder
	fmt.Fprintf(&b, "struct(size %d align %d) {", size, align)
	for i, field := range fields {
		// Padding is told by the offsets around it; generators need not spell it alike.
		if field.Name() == "_" {
			continue
		}
		fmt.Fprintf(&b, " %s %s @%d;", field.Name(), w.text(field.Type()), offsets[i])
	}
	b.WriteString(" }")
	return b.String()
}

func (w *writer) offsets(fields []*types.Var) (offsets []int64) {
	defer func() {
		if recover() != nil {
			offsets = make([]int64, len(fields))
		}
	}()
	return w.u.sizes.Offsetsof(fields)
}

func (w *writer) signature(t *types.Signature) string {
	return "(" + w.tuple(t.Params()) + ") (" + w.tuple(t.Results()) + ")"
}

func (w *writer) tuple(t *types.Tuple) string {
	var list []string
	for v := range t.Variables() {
		list = append(list, w.text(v.Type()))
	}
	return strings.Join(list, ", ")
}

package main

import (
	"go/ast"
	"go/token"
)

// reached is the set of names that the user's files, functions, variables and constants lead to, through as many type
// declarations as it takes.
func (u *unit) reached() map[string]bool {
	types := map[string]ast.Expr{}
	reached := map[string]bool{}
	var queue []string
	note := func(node ast.Node) {
		ast.Inspect(node, func(node ast.Node) bool {
			if ident, ok := node.(*ast.Ident); ok && !reached[ident.Name] {
				reached[ident.Name] = true
				queue = append(queue, ident.Name)
			}
			return true
		})
	}
	for _, file := range u.files {
		for _, decl := range file.Decls {
			generic, ok := decl.(*ast.GenDecl)
			if !ok || generic.Tok != token.TYPE {
				note(decl)
				continue
			}
			for _, spec := range generic.Specs {
				spec := spec.(*ast.TypeSpec)
				if isC(spec.Name.Name) {
					types[spec.Name.Name] = spec.Type
				} else {
					note(spec)
				}
			}
		}
	}
	for len(queue) > 0 {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if text := types[name]; text != nil {
			note(text)
		}
	}
	return reached
}

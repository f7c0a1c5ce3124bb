package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// describe gives every name its meaning, as a text that is the same for the same meaning.
func describe(dir, goarch string) map[string]string {
	u := load(dir, goarch)
	w := newWriter(u)
	meaning := map[string]string{}
	scope := u.pkg.Scope()
	used := u.reached()
	for _, name := range scope.Names() {
		object := scope.Lookup(name)
		// A type that nothing refers to is a remnant of the generator's work (the type of a constant, say).
		_, isType := object.(*types.TypeName)
		if isC(name) && !numbered.MatchString(name) && (used[name] || !isType) {
			meaning[name] = w.object(object)
		}
	}
	for _, message := range u.errors {
		meaning["error: "+message] = "reported"
	}
	u.describePragmas(meaning)
	u.describeLines(meaning)
	if flags, err := os.ReadFile(filepath.Join(dir, "_cgo_flags")); err == nil {
		meaning["_cgo_flags"] = strings.ReplaceAll(string(flags), filepath.Clean(dir), "$OBJDIR")
	}
	return meaning
}

// isC reports whether the generator uses the name for something of C. Names of the Go side (_Cgo_use) are its own affair.
func isC(name string) bool {
	return strings.HasPrefix(name, "_C") && !strings.HasPrefix(name, "_Cgo_")
}

func (w *writer) object(object types.Object) string {
	switch object := object.(type) {
	case *types.TypeName:
		return w.declaredType(object)
	case *types.Const:
		value := object.Val()
		return fmt.Sprintf("const %s %s = %s", object.Type(), kindOf(value), value.ExactString())
	case *types.Var:
		return "var " + w.text(object.Type())
	case *types.Func:
		return "func" + w.signature(object.Signature())
	}
	return fmt.Sprintf("%T", object)
}

func kindOf(value constant.Value) string {
	return strings.ToLower(value.Kind().String())
}

func (w *writer) declaredType(name *types.TypeName) string {
	kind := "defined"
	if name.IsAlias() {
		kind = "alias"
	}
	t := types.Unalias(name.Type())
	size, align := w.sizeAndAlign(t)
	text := w.text(t)
	if kind == "defined" {
		text = w.text(t.Underlying())
	}
	return fmt.Sprintf("%s size %d align %d %s", kind, size, align, text)
}

// Pragmas that decide what the linker is told. Hashes in their names are the generator's own.
var pragma = regexp.MustCompile(`^//go:(cgo_ldflag|cgo_export_dynamic|cgo_export_static|cgo_import_static|cgo_dynamic_linker) `)

func (u *unit) describePragmas(meaning map[string]string) {
	ldflags := []string{}
	for _, file := range u.files {
		for _, group := range file.Comments {
			for _, comment := range group.List {
				match := pragma.FindString(comment.Text)
				switch {
				case match == "":
				case strings.Contains(match, "cgo_ldflag"):
					ldflags = append(ldflags, comment.Text)
				case !strings.Contains(comment.Text, "cgo_import_static _cgo_"):
					meaning[neutral(comment.Text)] = "present"
				}
			}
		}
	}
	meaning["//go:cgo_ldflag"] = strings.Join(ldflags, "\n")
}

// describeLines records on which lines of the user's file each of his names stands: errors and debuggers show them.
func (u *unit) describeLines(meaning map[string]string) {
	lines := map[string]map[string]bool{}
	for _, file := range u.files {
		// What stands in generated code is no identifier of the user's, whatever line it lays claim to.
		if filepath.Base(u.fset.PositionFor(file.Package, false).Filename) == "_cgo_gotypes.go" {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			ident, ok := node.(*ast.Ident)
			if !ok || strings.HasPrefix(ident.Name, "_") {
				return true
			}
			position := u.fset.Position(ident.Pos())
			name := filepath.Base(position.Filename)
			key := "line: " + name + " " + ident.Name
			if lines[key] == nil {
				lines[key] = map[string]bool{}
			}
			lines[key][fmt.Sprintf("%06d", position.Line)] = true
			return true
		})
	}
	for key, set := range lines {
		sorted := make([]string, 0, len(set))
		for line := range set {
			sorted = append(sorted, line)
		}
		sort.Strings(sorted)
		meaning[key] = strings.Join(sorted, " ")
	}
}

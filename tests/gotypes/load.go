package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// unit is the type-checked output of one generator.
type unit struct {
	fset   *token.FileSet
	files  []*ast.File
	pkg    *types.Package
	info   *types.Info
	sizes  types.Sizes
	errors []string
}

// load type-checks the Go files that a generator left in dir.
func load(dir, goarch string) *unit {
	u := &unit{fset: token.NewFileSet(), sizes: types.SizesFor("gc", goarch)}
	u.info = &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.cgo1.go"))
	if gotypes := filepath.Join(dir, "_cgo_gotypes.go"); exists(gotypes) {
		paths = append([]string{gotypes}, paths...)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(u.fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			u.fail(fmt.Errorf("%s: %v", filepath.Base(path), err))
		}
		if file != nil {
			u.files = append(u.files, file)
		}
	}
	config := types.Config{
		Sizes:    u.sizes,
		Importer: stand{},
		Error:    func(err error) { u.fail(err) },
	}
	u.pkg, _ = config.Check("main", u.fset, u.files, u.info)
	return u
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Errors that come of looking at cgo's output alone: other packages are not at hand, nor are the package's other files.
var incomplete = regexp.MustCompile(`could not import|undefined: [^_]|has no field or method|^undefined|not an expression`)

func (u *unit) fail(err error) {
	message := err.Error()
	if located, ok := err.(types.Error); ok {
		message = located.Msg
		if !strings.HasPrefix(message, "undefined: _C") && incomplete.MatchString(message) {
			return
		}
		position := u.fset.Position(located.Pos)
		message = fmt.Sprintf("%s:%d: %s", filepath.Base(position.Filename), position.Line, message)
	}
	u.errors = append(u.errors, neutral(message))
}

var (
	numbered = regexp.MustCompile(`_Ctype_(struct|union|enum)___\d+`)
	hashed   = regexp.MustCompile(`_(cgo|cgoexp)_[0-9a-f]{12}_`)
)

// neutral takes the generator's own numbers and hashes out of a text.
func neutral(text string) string {
	text = numbered.ReplaceAllString(text, "_Ctype_${1}___N")
	return hashed.ReplaceAllString(text, "_${1}_H_")
}

// stand is an importer that knows the little of other packages that the generated declarations refer to.
type stand struct{}

func (stand) Import(path string) (*types.Package, error) {
	text, ok := standIns[path]
	switch {
	case path == "unsafe":
		return types.Unsafe, nil
	case !ok:
		return nil, fmt.Errorf("not at hand")
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path+".go", text, 0)
	if err != nil {
		return nil, err
	}
	config := types.Config{Importer: stand{}}
	return config.Check(path, fset, []*ast.File{file}, nil)
}

var standIns = map[string]string{
	"syscall": `package syscall
type Errno uintptr
func (e Errno) Error() string
`,
	"runtime/cgo": `package cgo
type Incomplete struct { _ byte }
type Handle uintptr
func NewHandle(v any) Handle
func (h Handle) Value() any
func (h Handle) Delete()
`,
}

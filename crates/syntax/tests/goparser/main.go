// Goparser prints what go/parser makes of Go files, in the form of the syntax crate's dump, so that the two can be compared.
//
// Usage: goparser [-dump] [-all] < list of file names
//
// For each file one line: the name, a hash (64-bit FNV-1a) of the dump, the number of errors, and the first error as
// line:col: message, all separated by tabs. With -dump the dumps themselves follow their lines. With -all every error is
// asked for (parser.AllErrors), and all errors are printed.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"hash/fnv"
	"os"
	"reflect"
	"strconv"
	"strings"
)

const maxIndent = 40

type dumper struct {
	out   bytes.Buffer
	base  int
	depth int
}

func (d *dumper) indent() { d.out.WriteString(strings.Repeat(" ", min(d.depth, maxIndent))) }

func (d *dumper) at(p token.Pos) string {
	if !p.IsValid() {
		return "-"
	}
	return strconv.Itoa(int(p) - d.base)
}

func (d *dumper) doc(g *ast.CommentGroup) string {
	if g == nil {
		return "-"
	}
	return d.at(g.Pos())
}

func quote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '\\' || c < 0x20 || c >= 0x7f {
			fmt.Fprintf(&b, "\\%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (d *dumper) line(from, to token.Pos, what string) {
	d.indent()
	fmt.Fprintf(&d.out, "%s-%s %s\n", d.at(from), d.at(to), what)
}

func (d *dumper) nil() {
	d.indent()
	d.out.WriteString("nil\n")
}

func (d *dumper) node(n ast.Node, what string, children func()) {
	d.line(n.Pos(), n.End(), what)
	d.depth++
	children()
	d.depth--
}

func (d *dumper) file(f *ast.File, size int) {
	version := f.GoVersion
	if version == "" {
		version = "-"
	}
	d.line(token.Pos(d.base), token.Pos(d.base+size), fmt.Sprintf("File %s %s %s", d.doc(f.Doc), d.at(f.Package), version))
	d.depth++
	d.ident(f.Name)
	for _, decl := range f.Decls {
		d.decl(decl)
	}
	for _, g := range f.Comments {
		d.out.WriteString(" Comments\n")
		for _, c := range g.List {
			fmt.Fprintf(&d.out, "  %s %s\n", d.at(c.Pos()), quote(c.Text))
		}
	}
}

func (d *dumper) ident(x *ast.Ident) { d.line(x.Pos(), x.End(), "Ident "+quote(x.Name)) }
func (d *dumper) lit(x *ast.BasicLit) {
	d.line(x.Pos(), x.End(), fmt.Sprintf("BasicLit %s %s", x.Kind, quote(x.Value)))
}

func (d *dumper) decl(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.BadDecl:
		d.line(decl.Pos(), decl.End(), "BadDecl")
	case *ast.GenDecl:
		d.genDecl(decl)
	case *ast.FuncDecl:
		d.node(decl, "FuncDecl "+d.doc(decl.Doc), func() {
			d.fields(decl.Recv)
			d.ident(decl.Name)
			d.funcType(decl.Type)
			if decl.Body != nil {
				d.block(decl.Body)
			} else {
				d.nil()
			}
		})
	}
}

func (d *dumper) genDecl(decl *ast.GenDecl) {
	head := fmt.Sprintf("GenDecl %s %s %s %s", decl.Tok, d.doc(decl.Doc), d.at(decl.Lparen), d.at(decl.Rparen))
	if !decl.Rparen.IsValid() && len(decl.Specs) == 0 {
		d.line(decl.Pos(), decl.Pos(), head)
		return
	}
	d.node(decl, head, func() {
		for _, spec := range decl.Specs {
			d.spec(spec)
		}
	})
}

func (d *dumper) spec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ImportSpec:
		d.node(spec, fmt.Sprintf("ImportSpec %s %s", d.doc(spec.Doc), d.doc(spec.Comment)), func() {
			if spec.Name != nil {
				d.ident(spec.Name)
			} else {
				d.nil()
			}
			d.lit(spec.Path)
		})
	case *ast.ValueSpec:
		d.node(spec, fmt.Sprintf("ValueSpec %s %s", d.doc(spec.Doc), d.doc(spec.Comment)), func() {
			for _, name := range spec.Names {
				d.ident(name)
			}
			d.expr(spec.Type)
			d.exprs(spec.Values)
		})
	case *ast.TypeSpec:
		d.node(spec, fmt.Sprintf("TypeSpec %s %s %s", d.doc(spec.Doc), d.doc(spec.Comment), d.at(spec.Assign)), func() {
			d.ident(spec.Name)
			d.fields(spec.TypeParams)
			d.expr(spec.Type)
		})
	}
}

func (d *dumper) funcType(t *ast.FuncType) {
	d.node(t, "FuncType "+d.at(t.Func), func() {
		d.fields(t.TypeParams)
		d.fields(t.Params)
		d.fields(t.Results)
	})
}

func (d *dumper) fields(l *ast.FieldList) {
	if l == nil {
		d.nil()
		return
	}
	d.node(l, fmt.Sprintf("FieldList %s %s", d.at(l.Opening), d.at(l.Closing)), func() {
		for _, f := range l.List {
			d.node(f, fmt.Sprintf("Field %s %s", d.doc(f.Doc), d.doc(f.Comment)), func() {
				for _, name := range f.Names {
					d.ident(name)
				}
				d.expr(f.Type)
				if f.Tag != nil {
					d.lit(f.Tag)
				}
			})
		}
	})
}

func (d *dumper) block(b *ast.BlockStmt) {
	d.node(b, fmt.Sprintf("BlockStmt %s %s", d.at(b.Lbrace), d.at(b.Rbrace)), func() { d.stmts(b.List) })
}

func (d *dumper) stmts(list []ast.Stmt) {
	for _, s := range list {
		d.stmt(s)
	}
}

func (d *dumper) braces(b *ast.BlockStmt) string { return d.at(b.Lbrace) + " " + d.at(b.Rbrace) }

func isNil(x any) bool {
	return x == nil || reflect.ValueOf(x).Kind() == reflect.Pointer && reflect.ValueOf(x).IsNil()
}

func (d *dumper) stmt(s ast.Stmt) {
	if isNil(s) {
		d.nil()
		return
	}
	switch n := s.(type) {
	case *ast.BadStmt:
		d.line(s.Pos(), s.End(), "BadStmt")
	case *ast.DeclStmt:
		d.decl(n.Decl)
	case *ast.EmptyStmt:
		d.line(s.Pos(), s.End(), fmt.Sprintf("EmptyStmt %v", n.Implicit))
	case *ast.LabeledStmt:
		d.node(s, "LabeledStmt "+d.at(n.Colon), func() { d.ident(n.Label); d.stmt(n.Stmt) })
	case *ast.ExprStmt:
		d.node(s, "ExprStmt", func() { d.expr(n.X) })
	case *ast.SendStmt:
		d.node(s, "SendStmt "+d.at(n.Arrow), func() { d.expr(n.Chan); d.expr(n.Value) })
	case *ast.IncDecStmt:
		d.node(s, fmt.Sprintf("IncDecStmt %s %s", n.Tok, d.at(n.TokPos)), func() { d.expr(n.X) })
	case *ast.AssignStmt:
		d.node(s, fmt.Sprintf("AssignStmt %s %s %d", n.Tok, d.at(n.TokPos), len(n.Lhs)), func() { d.exprs(n.Lhs); d.exprs(n.Rhs) })
	case *ast.GoStmt:
		d.node(s, "GoStmt", func() { d.expr(n.Call) })
	case *ast.DeferStmt:
		d.node(s, "DeferStmt", func() { d.expr(n.Call) })
	case *ast.ReturnStmt:
		d.node(s, "ReturnStmt", func() { d.exprs(n.Results) })
	case *ast.BranchStmt:
		d.node(s, "BranchStmt "+n.Tok.String(), func() {
			if n.Label != nil {
				d.ident(n.Label)
			}
		})
	case *ast.BlockStmt:
		d.block(n)
	case *ast.IfStmt:
		d.node(s, "IfStmt", func() { d.stmt(n.Init); d.expr(n.Cond); d.block(n.Body); d.stmt(n.Else) })
	case *ast.CaseClause:
		d.node(s, fmt.Sprintf("CaseClause %s %d", d.at(n.Colon), len(n.List)), func() { d.exprs(n.List); d.stmts(n.Body) })
	case *ast.SwitchStmt:
		d.node(s, "SwitchStmt "+d.braces(n.Body), func() { d.stmt(n.Init); d.expr(n.Tag); d.stmts(n.Body.List) })
	case *ast.TypeSwitchStmt:
		d.node(s, "TypeSwitchStmt "+d.braces(n.Body), func() { d.stmt(n.Init); d.stmt(n.Assign); d.stmts(n.Body.List) })
	case *ast.CommClause:
		d.node(s, "CommClause "+d.at(n.Colon), func() { d.stmt(n.Comm); d.stmts(n.Body) })
	case *ast.SelectStmt:
		d.node(s, "SelectStmt "+d.braces(n.Body), func() { d.stmts(n.Body.List) })
	case *ast.ForStmt:
		d.node(s, "ForStmt", func() { d.stmt(n.Init); d.expr(n.Cond); d.stmt(n.Post); d.block(n.Body) })
	case *ast.RangeStmt:
		d.node(s, fmt.Sprintf("RangeStmt %s %s %s", n.Tok, d.at(n.TokPos), d.at(n.Range)), func() {
			d.expr(n.Key)
			d.expr(n.Value)
			d.expr(n.X)
			d.block(n.Body)
		})
	default:
		panic(fmt.Sprintf("%T", s))
	}
}

func (d *dumper) exprs(list []ast.Expr) {
	for _, x := range list {
		d.expr(x)
	}
}

func (d *dumper) expr(x ast.Expr) {
	if isNil(x) {
		d.nil()
		return
	}
	switch n := x.(type) {
	case *ast.BadExpr:
		d.line(x.Pos(), x.End(), "BadExpr")
	case *ast.Ident:
		d.ident(n)
	case *ast.BasicLit:
		d.lit(n)
	case *ast.Ellipsis:
		d.node(x, "Ellipsis", func() { d.expr(n.Elt) })
	case *ast.FuncLit:
		d.node(x, "FuncLit", func() { d.funcType(n.Type); d.block(n.Body) })
	case *ast.CompositeLit:
		d.node(x, fmt.Sprintf("CompositeLit %s %s", d.at(n.Lbrace), d.at(n.Rbrace)), func() { d.expr(n.Type); d.exprs(n.Elts) })
	case *ast.ParenExpr:
		d.node(x, fmt.Sprintf("ParenExpr %s %s", d.at(n.Lparen), d.at(n.Rparen)), func() { d.expr(n.X) })
	case *ast.SelectorExpr:
		d.node(x, "SelectorExpr", func() { d.expr(n.X); d.ident(n.Sel) })
	case *ast.IndexExpr:
		d.node(x, fmt.Sprintf("IndexExpr %s %s", d.at(n.Lbrack), d.at(n.Rbrack)), func() { d.expr(n.X); d.expr(n.Index) })
	case *ast.IndexListExpr:
		d.node(x, fmt.Sprintf("IndexExpr %s %s", d.at(n.Lbrack), d.at(n.Rbrack)), func() { d.expr(n.X); d.exprs(n.Indices) })
	case *ast.SliceExpr:
		d.node(x, fmt.Sprintf("SliceExpr %s %s %v", d.at(n.Lbrack), d.at(n.Rbrack), n.Slice3), func() {
			d.expr(n.X)
			d.expr(n.Low)
			d.expr(n.High)
			d.expr(n.Max)
		})
	case *ast.TypeAssertExpr:
		d.node(x, fmt.Sprintf("TypeAssertExpr %s %s", d.at(n.Lparen), d.at(n.Rparen)), func() { d.expr(n.X); d.expr(n.Type) })
	case *ast.CallExpr:
		d.node(x, fmt.Sprintf("CallExpr %s %s %s", d.at(n.Lparen), d.at(n.Ellipsis), d.at(n.Rparen)), func() { d.expr(n.Fun); d.exprs(n.Args) })
	case *ast.StarExpr:
		d.node(x, "StarExpr", func() { d.expr(n.X) })
	case *ast.UnaryExpr:
		d.node(x, "UnaryExpr "+n.Op.String(), func() { d.expr(n.X) })
	case *ast.BinaryExpr:
		d.node(x, fmt.Sprintf("BinaryExpr %s %s", n.Op, d.at(n.OpPos)), func() { d.expr(n.X); d.expr(n.Y) })
	case *ast.KeyValueExpr:
		d.node(x, "KeyValueExpr "+d.at(n.Colon), func() { d.expr(n.Key); d.expr(n.Value) })
	case *ast.ArrayType:
		d.node(x, "ArrayType", func() { d.expr(n.Len); d.expr(n.Elt) })
	case *ast.StructType:
		d.node(x, "StructType", func() { d.fields(n.Fields) })
	case *ast.FuncType:
		d.funcType(n)
	case *ast.InterfaceType:
		d.node(x, "InterfaceType", func() { d.fields(n.Methods) })
	case *ast.MapType:
		d.node(x, "MapType", func() { d.expr(n.Key); d.expr(n.Value) })
	case *ast.ChanType:
		dir := map[ast.ChanDir]string{ast.SEND: "Send", ast.RECV: "Recv", ast.SEND | ast.RECV: "Both"}[n.Dir]
		d.node(x, fmt.Sprintf("ChanType %s %s", d.at(n.Arrow), dir), func() { d.expr(n.Value) })
	default:
		panic(fmt.Sprintf("%T", x))
	}
}

func main() {
	dump := flag.Bool("dump", false, "print the dumps")
	all := flag.Bool("all", false, "ask for all errors and print them")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	names := bufio.NewScanner(os.Stdin)
	for names.Scan() {
		report(out, names.Text(), *dump, *all)
	}
}

func report(out *bufio.Writer, name string, dump, all bool) {
	text, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mode := parser.ParseComments | parser.SkipObjectResolution
	if all {
		mode |= parser.AllErrors
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, mode)
	var errors scanner.ErrorList
	if err != nil {
		errors = err.(scanner.ErrorList)
	}
	var d dumper
	hash := fnv.New64a()
	if len(errors) == 0 {
		d.base = int(file.FileStart)
		d.file(file, len(text))
		hash.Write(d.out.Bytes())
	}
	fmt.Fprintf(out, "%s\t%016x\t%d", name, hash.Sum64(), len(errors))
	for i, e := range errors {
		if i > 0 && !all {
			break
		}
		fmt.Fprintf(out, "\t%s: %s", e.Pos, quote(e.Msg))
	}
	out.WriteByte('\n')
	if dump {
		out.Write(d.out.Bytes())
	}
}

//! The syntax tree, in the shape of `go/ast`.
//!
//! Positions named after a token (`lparen`, `op_pos`) are the offsets of that token's first byte; `Option` where the token may
//! be absent. In a tree with errors a required token that is missing has the position at which it was expected. Lists are in
//! source order.

use std::sync::Arc;

use source::{Pos, Span};

use crate::comment::CommentGroup;
use crate::node::{Node, NodeId, P};
use crate::symbol::Symbol;
use crate::token::Tok;

/// Documentation shares its group with [`File::comments`].
pub type Doc = Option<Arc<CommentGroup>>;

macro_rules! nodes {
    ($($(#[$attr:meta])* $name:ident { $($(#[$fattr:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$attr])*
            #[derive(Clone, Debug)]
            pub struct $name {
                pub id: NodeId,
                pub span: Span,
                $($(#[$fattr])* pub $field: $type,)*
            }

            impl Node for $name {
                fn id(&self) -> NodeId {
                    self.id
                }

                fn span(&self) -> Span {
                    self.span
                }
            }
        )*
    };
}

macro_rules! sum {
    ($(#[$attr:meta])* $name:ident { $($(#[$vattr:meta])* $variant:ident($type:ty),)* }) => {
        $(#[$attr])*
        #[derive(Clone, Debug)]
        pub enum $name { $($(#[$vattr])* $variant($type),)* }

        impl Node for $name {
            fn id(&self) -> NodeId {
                match self { $($name::$variant(node) => node.id,)* }
            }

            fn span(&self) -> Span {
                match self { $($name::$variant(node) => node.span,)* }
            }
        }
    };
}

nodes! {
    /// A file. After an error in the package clause there is nothing but an empty name.
    File {
        doc: Doc,
        package: Pos,
        name: Ident,
        decls: Vec<Decl>,
        /// All comments in source order; empty unless the mode keeps comments.
        comments: Vec<Arc<CommentGroup>>,
        /// The least Go version that a `//go:build` line asks for, such as `go1.22`.
        go_version: Option<String>,
        /// All ids of the file are below this.
        node_count: u32,
    }

    /// An identifier. A missing one is called `_` and has an empty span.
    Ident { name: Symbol, }
}

impl File {
    /// All import specs, wherever they stand.
    pub fn imports(&self) -> impl Iterator<Item = &ImportSpec> {
        self.decls
            .iter()
            .filter_map(|decl| match decl {
                Decl::Gen(decl) => Some(&decl.specs),
                _ => None,
            })
            .flatten()
            .filter_map(|spec| match spec {
                Spec::Import(spec) => Some(spec),
                _ => None,
            })
    }

    /// Import specs of `path` (`"C"` without quotes), each with the documentation that belongs to it: its own, or that of
    /// the declaration if it is the only spec there.
    pub fn imports_of<'a>(
        &'a self,
        path: &'a str,
    ) -> impl Iterator<Item = (&'a ImportSpec, &'a Doc)> {
        self.decls
            .iter()
            .filter_map(|decl| match decl {
                Decl::Gen(decl) => Some(decl),
                _ => None,
            })
            .flat_map(|decl| decl.specs.iter().map(move |spec| (decl, spec)))
            .filter_map(move |(decl, spec)| match spec {
                Spec::Import(spec) if spec.path_str() == Some(path) => {
                    let inherits = spec.doc.is_none() && decl.specs.len() == 1;
                    Some((spec, if inherits { &decl.doc } else { &spec.doc }))
                }
                _ => None,
            })
    }
}

// Expressions and types.

sum! {
    /// An expression or a type: the grammar cannot always tell.
    Expr {
        Bad(P<BadExpr>),
        Ident(Ident),
        Ellipsis(P<Ellipsis>),
        BasicLit(P<BasicLit>),
        FuncLit(P<FuncLit>),
        CompositeLit(P<CompositeLit>),
        Paren(P<ParenExpr>),
        Selector(P<SelectorExpr>),
        Index(P<IndexExpr>),
        Slice(P<SliceExpr>),
        TypeAssert(P<TypeAssertExpr>),
        Call(P<CallExpr>),
        Star(P<StarExpr>),
        Unary(P<UnaryExpr>),
        Binary(P<BinaryExpr>),
        KeyValue(P<KeyValueExpr>),
        ArrayType(P<ArrayType>),
        StructType(P<StructType>),
        FuncType(P<FuncType>),
        InterfaceType(P<InterfaceType>),
        MapType(P<MapType>),
        ChanType(P<ChanType>),
    }
}

nodes! {
    /// Text in which no expression was found.
    BadExpr {}

    /// `...T` of a parameter, or the `...` of `[...]T`.
    Ellipsis { elt: Option<Expr>, }

    /// `kind` is `Int`, `Float`, `Imag`, `Char` or `String`.
    BasicLit {
        kind: Tok,
        /// As written, except that raw strings have no carriage returns. Bytes that are no UTF-8 (an error) are replaced.
        value: Box<str>,
    }

    FuncLit { ty: FuncType, body: BlockStmt, }

    CompositeLit {
        ty: Option<Expr>,
        lbrace: Pos,
        elts: Vec<Expr>,
        rbrace: Pos,
    }

    ParenExpr { x: Expr, lparen: Pos, rparen: Pos, }

    SelectorExpr { x: Expr, dot: Pos, sel: Ident, }

    /// An index expression, or an instantiation with one or more type arguments.
    IndexExpr {
        x: Expr,
        lbrack: Pos,
        /// Never empty.
        indices: Vec<Expr>,
        rbrack: Pos,
    }

    SliceExpr {
        x: Expr,
        lbrack: Pos,
        low: Option<Expr>,
        high: Option<Expr>,
        max: Option<Expr>,
        /// There are two colons.
        slice3: bool,
        rbrack: Pos,
    }

    /// `x.(T)`, and `x.(type)` with no type.
    TypeAssertExpr {
        x: Expr,
        dot: Pos,
        lparen: Pos,
        ty: Option<Expr>,
        rparen: Pos,
    }

    /// A call or a conversion.
    CallExpr {
        fun: Expr,
        lparen: Pos,
        args: Vec<Expr>,
        /// The `...` after the last argument.
        ellipsis: Option<Pos>,
        rparen: Pos,
    }

    /// `*x`: a dereference or a pointer type.
    StarExpr { star: Pos, x: Expr, }

    /// `op` may be `Tilde` in constraints. A range clause is no unary expression here, other than in Go's parser.
    UnaryExpr { op: Tok, op_pos: Pos, x: Expr, }

    BinaryExpr { x: Expr, op: Tok, op_pos: Pos, y: Expr, }

    /// Only within composite literals.
    KeyValueExpr { key: Expr, colon: Pos, value: Expr, }

    /// A slice type has no length, `[...]T` an `Ellipsis` as length.
    ArrayType { lbrack: Pos, len: Option<Expr>, elt: Expr, }

    StructType { fields: FieldList, }

    /// Interface methods have no `func`.
    FuncType {
        func: Option<Pos>,
        type_params: Option<FieldList>,
        params: FieldList,
        /// An unparenthesized result is a list without opening and closing.
        results: Option<FieldList>,
    }

    /// Methods are fields with a name and a `FuncType`, everything else is embedded.
    InterfaceType { methods: FieldList, }

    MapType { key: Expr, value: Expr, }

    ChanType { arrow: Option<Pos>, dir: ChanDir, value: Expr, }

    /// Fields, methods, parameters or type parameters of one type.
    Field {
        doc: Doc,
        /// Empty for unnamed parameters and embedded types.
        names: Vec<Ident>,
        ty: Expr,
        tag: Option<BasicLit>,
        comment: Doc,
    }

    FieldList {
        opening: Option<Pos>,
        list: Vec<Field>,
        closing: Option<Pos>,
    }
}

/// Direction of a channel type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChanDir {
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Recv,
}

impl Expr {
    /// The expression without the parentheses around it.
    pub fn unparen(&self) -> &Expr {
        let mut expr = self;
        while let Expr::Paren(paren) = expr {
            expr = &paren.x;
        }
        expr
    }

    pub fn as_ident(&self) -> Option<&Ident> {
        match self {
            Expr::Ident(ident) => Some(ident),
            _ => None,
        }
    }

    /// `(x, sel)` of `x.sel` where `x` is an identifier: a qualified identifier, for all that the grammar knows.
    pub fn as_qualified(&self) -> Option<(&Ident, &Ident)> {
        match self {
            Expr::Selector(selector) => Some((selector.x.as_ident()?, &selector.sel)),
            _ => None,
        }
    }
}

impl FieldList {
    /// Number of parameters or fields; an unnamed one counts as one.
    pub fn num_fields(&self) -> usize {
        self.list.iter().map(|field| field.names.len().max(1)).sum()
    }
}

// Statements.

sum! {
    Stmt {
        Bad(P<BadStmt>),
        /// Constants, types or variables.
        Decl(P<GenDecl>),
        Empty(P<EmptyStmt>),
        Labeled(P<LabeledStmt>),
        Expr(P<ExprStmt>),
        Send(P<SendStmt>),
        IncDec(P<IncDecStmt>),
        Assign(P<AssignStmt>),
        Go(P<GoStmt>),
        Defer(P<DeferStmt>),
        Return(P<ReturnStmt>),
        Branch(P<BranchStmt>),
        Block(P<BlockStmt>),
        If(P<IfStmt>),
        Switch(P<SwitchStmt>),
        TypeSwitch(P<TypeSwitchStmt>),
        Select(P<SelectStmt>),
        For(P<ForStmt>),
        Range(P<RangeStmt>),
    }
}

nodes! {
    /// Text in which no statement was found.
    BadStmt {}

    /// `implicit`: there is no semicolon, the statement only follows from what is around it.
    EmptyStmt { implicit: bool, }

    LabeledStmt { label: Ident, colon: Pos, stmt: Stmt, }

    ExprStmt { x: Expr, }

    SendStmt { chan: Expr, arrow: Pos, value: Expr, }

    /// `tok` is `Inc` or `Dec`.
    IncDecStmt { x: Expr, tok: Tok, tok_pos: Pos, }

    /// Assignments, short variable declarations (`Define`), and operations such as `+=`.
    AssignStmt { lhs: Vec<Expr>, tok: Tok, tok_pos: Pos, rhs: Vec<Expr>, }

    /// `call` is an `Expr::Call`.
    GoStmt { call: Expr, }

    /// `call` is an `Expr::Call`.
    DeferStmt { call: Expr, }

    ReturnStmt { results: Vec<Expr>, }

    /// `tok` is `Break`, `Continue`, `Goto` or `Fallthrough`.
    BranchStmt { tok: Tok, label: Option<Ident>, }

    BlockStmt {
        lbrace: Pos,
        list: Vec<Stmt>,
        /// Absent after a syntax error.
        rbrace: Option<Pos>,
    }

    IfStmt {
        init: Option<Stmt>,
        cond: Expr,
        body: BlockStmt,
        /// An `If` or a `Block` (or a `Bad`).
        else_: Option<Stmt>,
    }

    SwitchStmt {
        init: Option<Stmt>,
        tag: Option<Expr>,
        body: CaseBlock<CaseClause>,
    }

    TypeSwitchStmt {
        init: Option<Stmt>,
        /// `x := y.(type)` or `y.(type)`.
        assign: Stmt,
        body: CaseBlock<CaseClause>,
    }

    SelectStmt { body: CaseBlock<CommClause>, }

    /// `is_default` distinguishes `default` from a `case` whose list is empty by error.
    CaseClause {
        is_default: bool,
        /// Expressions, or types in a type switch.
        list: Vec<Expr>,
        colon: Pos,
        body: Vec<Stmt>,
    }

    CommClause {
        /// A send or receive statement; `None` is `default`.
        comm: Option<Stmt>,
        colon: Pos,
        body: Vec<Stmt>,
    }

    ForStmt {
        init: Option<Stmt>,
        cond: Option<Expr>,
        post: Option<Stmt>,
        body: BlockStmt,
    }

    RangeStmt {
        key: Option<Expr>,
        value: Option<Expr>,
        /// `Assign` or `Define` and its position, if there is a key.
        tok: Option<(Tok, Pos)>,
        /// The keyword `range`.
        range: Pos,
        x: Expr,
        body: BlockStmt,
    }
}

/// The braces of a switch or select statement and the clauses between them.
#[derive(Clone, Debug)]
pub struct CaseBlock<C> {
    pub lbrace: Pos,
    pub clauses: Vec<C>,
    pub rbrace: Pos,
}

// Declarations.

sum! {
    Decl {
        Bad(P<BadDecl>),
        Gen(P<GenDecl>),
        Func(P<FuncDecl>),
    }
}

sum! {
    Spec {
        Import(ImportSpec),
        Value(ValueSpec),
        Type(TypeSpec),
    }
}

nodes! {
    /// Text in which no declaration was found.
    BadDecl {}

    /// `tok` is `Import`, `Const`, `Type` or `Var`. The index of a spec is its `iota`.
    GenDecl {
        doc: Doc,
        tok: Tok,
        lparen: Option<Pos>,
        specs: Vec<Spec>,
        rparen: Option<Pos>,
    }

    FuncDecl {
        doc: Doc,
        recv: Option<FieldList>,
        name: Ident,
        ty: FuncType,
        body: Option<BlockStmt>,
    }

    ImportSpec {
        doc: Doc,
        /// A name, `_` or `.`.
        name: Option<Ident>,
        /// With its quotes; an empty value if it is missing.
        path: BasicLit,
        comment: Doc,
    }

    /// Constants or variables.
    ValueSpec {
        doc: Doc,
        names: Vec<Ident>,
        ty: Option<Expr>,
        values: Vec<Expr>,
        comment: Doc,
    }

    TypeSpec {
        doc: Doc,
        name: Ident,
        type_params: Option<FieldList>,
        /// The `=` of an alias.
        assign: Option<Pos>,
        ty: Expr,
        comment: Doc,
    }
}

impl ImportSpec {
    /// The path without its quotes; `None` if it is missing or has escapes.
    pub fn path_str(&self) -> Option<&str> {
        let path = &self.path.value;
        let inner = path
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|inner| !inner.contains('\\'));
        inner.or_else(|| path.strip_prefix('`')?.strip_suffix('`'))
    }
}

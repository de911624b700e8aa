//! Expressions, each kind once; what the language does not have is refused by name.

use super::Lowerer;
use super::assignment;
use super::constant::Constant;
use super::value::{Number, PARTS, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::parse;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, Shape, Value};

impl Lowerer<'_, '_> {
    /// A block: its statements in a scope of their own, then its value.
    pub fn block(&mut self, block: &syn::Block) -> Checked<Val> {
        self.locals.enter();
        let val = self.statements(block);
        self.locals.leave();
        match val? {
            Some(val) => Ok(val),
            None => Err(self.report(messages::no_value(block))),
        }
    }

    /// The statements of a block that is done for what it assigns and collects.
    pub(super) fn statements_without_value(
        &mut self,
        block: &syn::Block,
        has_value: fn(&syn::Expr) -> syn::Error,
    ) -> Checked<()> {
        match block.stmts.split_last() {
            Some((syn::Stmt::Expr(e, None), before)) if !is_statement(e) && !is_choice(e) => {
                self.each_statement(before)?;
                self.expression(e)?;
                Err(self.report(has_value(e)))
            }
            _ => self.each_statement(&block.stmts),
        }
    }

    /// The statements of a block, and its value if it has one.
    fn statements(&mut self, block: &syn::Block) -> Checked<Option<Val>> {
        let Some((last, before)) = block.stmts.split_last() else {
            return Ok(None);
        };
        let done = self.each_statement(before);
        match last {
            // `return y` at the end is the value, with `;` or without, as in Rust.
            syn::Stmt::Expr(syn::Expr::Return(r), _) if self.locals.depth() == 2 => match &r.expr {
                Some(e) => done.and_then(|()| self.expression(e)).map(Some),
                None => Ok(None),
            },
            syn::Stmt::Expr(e, None) if !is_statement(e) => {
                let val = self.expression(e);
                done.and(val).map(Some)
            }
            syn::Stmt::Expr(e, Some(_)) if !is_statement(e) => {
                let val = self.expression(e);
                done.and(val)?;
                Err(self.report(messages::value_with_semicolon(e)))
            }
            other => {
                let last = self.each_statement(std::slice::from_ref(other));
                done.and(last).map(|()| None)
            }
        }
    }

    /// Statements, all of them though one has an error.
    fn each_statement(&mut self, statements: &[syn::Stmt]) -> Checked<()> {
        let done: Vec<_> = statements.iter().map(|s| self.any_statement(s)).collect();
        done.into_iter().collect()
    }

    fn any_statement(&mut self, statement: &syn::Stmt) -> Checked<()> {
        match statement {
            syn::Stmt::Local(local) => self.local(local),
            syn::Stmt::Expr(e, _) => self.statement(e),
            syn::Stmt::Item(item) => Err(self.report(messages::inner_item(item))),
            syn::Stmt::Macro(m) => Err(self.report(messages::macro_call(&m.mac))),
        }
    }

    /// An expression that is done for its effect.
    pub(super) fn statement(&mut self, e: &syn::Expr) -> Checked<()> {
        if let syn::Expr::Binary(b) = e
            && let Some(operator) = assignment::operator(&b.op)
        {
            return self.assign_with(b, operator);
        }
        match e {
            syn::Expr::ForLoop(f) => self.for_loop(f),
            syn::Expr::If(i) => self.if_statement(i),
            syn::Expr::Match(m) => self.match_statement(m),
            syn::Expr::Assign(a) => self.assign(a),
            syn::Expr::MethodCall(m) if self.is_push(m) => self.push(m),
            syn::Expr::While(_)
            | syn::Expr::Loop(_)
            | syn::Expr::Macro(_)
            | syn::Expr::Return(_) => self.expression(e).map(|_| ()),
            _ => {
                self.expression(e)?;
                match self.is_captured() {
                    true => Ok(()),
                    false => Err(self.report(messages::value_unused(e))),
                }
            }
        }
    }

    /// An expression.
    pub fn expression(&mut self, e: &syn::Expr) -> Checked<Val> {
        match e {
            syn::Expr::Lit(l) => self.literal(l),
            syn::Expr::Path(p) => self.path(p),
            syn::Expr::Paren(p) => self.expression(&p.expr),
            syn::Expr::Group(g) => self.expression(&g.expr),
            syn::Expr::Reference(r) => match &r.mutability {
                None => self.expression(&r.expr),
                Some(token) => Err(self.report(messages::mutable_reference(token))),
            },
            syn::Expr::Block(b) => match &b.label {
                None => self.block(&b.block),
                Some(_) => Err(self.report(messages::not_in_the_language(e))),
            },
            syn::Expr::Tuple(t) => {
                let parts: Vec<_> = t.elems.iter().map(|e| self.expression(e)).collect();
                let tuple = Val::Tuple(parts.into_iter().collect::<Checked<_>>()?);
                match tuple.parts() > PARTS {
                    true => Err(self.report(messages::great_tuple(e, PARTS))),
                    false => Ok(tuple),
                }
            }
            syn::Expr::Unary(u) => self.unary(u),
            syn::Expr::Binary(b) => self.binary(b),
            syn::Expr::Field(f) => self.field(f),
            syn::Expr::Index(i) => self.index(i),
            syn::Expr::Call(c) => self.call(c),
            syn::Expr::MethodCall(m) => self.method_call(m),
            syn::Expr::ForLoop(f) => Err(self.report(messages::for_as_value(f))),
            syn::Expr::While(w) => Err(self.report(messages::while_loop(&w.while_token))),
            syn::Expr::Loop(l) => Err(self.report(messages::while_loop(&l.loop_token))),
            syn::Expr::If(i) => self.if_value(i),
            syn::Expr::Match(m) => self.match_value(m),
            syn::Expr::Closure(_) => Err(self.report(messages::bare_closure(e))),
            syn::Expr::Assign(a) => Err(self.report(messages::assignment_as_value(&a.eq_token))),
            syn::Expr::Macro(m) => Err(self.report(messages::macro_call(&m.mac))),
            syn::Expr::Cast(c) => Err(self.report(messages::as_cast(c))),
            syn::Expr::Return(r) => Err(self.report(messages::early_return(&r.return_token))),
            syn::Expr::Try(t) => Err(self.report(messages::question_mark(&t.question_token))),
            syn::Expr::Array(a) => self.array(a),
            syn::Expr::Range(_) => Err(self.report(messages::bare_range(e))),
            other => Err(self.report(messages::not_in_the_language(other))),
        }
    }

    /// `[a, b]`: several tensors, as a function takes them; an array of numbers is no tensor.
    fn array(&mut self, a: &syn::ExprArray) -> Checked<Val> {
        let parts: Vec<_> = a.elems.iter().map(|e| self.expression(e)).collect();
        let parts = parts.into_iter().collect::<Checked<Vec<Val>>>()?;
        let fits = |v: &Val| matches!(v, Val::Tensor(_) | Val::Tuple(_) | Val::Broken);
        if parts.is_empty() || !parts.iter().all(fits) {
            return Err(self.report(messages::bare_array(a)));
        }
        let array = Val::Tuple(parts);
        match array.parts() > PARTS {
            true => Err(self.report(messages::great_tuple(a, PARTS))),
            false => Ok(array),
        }
    }

    /// `xs[1]`, of several.
    pub(super) fn part_of_array(&mut self, parts: &[Val], index: &syn::Expr) -> Checked<Val> {
        let at = super::arguments::integer(index).and_then(|i| usize::try_from(i).ok());
        match at.and_then(|at| parts.get(at)) {
            Some(Val::Broken) => Err(Reported),
            Some(part) => Ok(part.clone()),
            None => Err(self.report(messages::array_index(index, parts.len()))),
        }
    }

    fn literal(&mut self, l: &syn::ExprLit) -> Checked<Val> {
        let number = match &l.lit {
            syn::Lit::Int(i) if i.suffix().is_empty() => {
                i.base10_parse::<f64>().ok().map(|value| Number {
                    value,
                    integer: true,
                })
            }
            syn::Lit::Float(f) if f.suffix().is_empty() => {
                f.base10_parse::<f64>().ok().map(|value| Number {
                    value,
                    integer: false,
                })
            }
            syn::Lit::Bool(b) => {
                let value = f64::from(u8::from(b.value));
                self.locate(b.span());
                return self.constant(value, DType::Bool, &b.to_token_stream());
            }
            syn::Lit::Int(_) | syn::Lit::Float(_) => {
                return Err(self.report(messages::literal_suffix(&l.lit)));
            }
            other => return Err(self.report(messages::literal(other))),
        };
        match number {
            Some(n) if n.value.is_finite() => Ok(Val::Number(n)),
            _ => Err(self.report(messages::literal(&l.lit))),
        }
    }

    /// A scalar constant.
    pub fn constant(&mut self, value: f64, dtype: DType, at: &TokenStream) -> Checked<Val> {
        match self.builder.constant(value, dtype, Shape::scalar()) {
            Ok(v) => Ok(Val::Tensor(v)),
            Err(error) => Err(self.refused(at, "constant", &error, &[])),
        }
    }

    fn path(&mut self, p: &syn::ExprPath) -> Checked<Val> {
        if p.qself.is_some() {
            return Err(self.report(messages::not_in_the_language(p)));
        }
        if let Some(ident) = p.path.get_ident() {
            let name = parse::name(ident);
            match self.lookup(&name) {
                Some(Val::Broken) => return Err(Reported),
                Some(val) => return Ok(val.clone()),
                None => {}
            }
            if self.scope.symbol(&name).is_none() && !name.starts_with(char::is_uppercase) {
                let error = match self.locals.is_gone(&name) {
                    true => messages::name_of_an_ended_block(ident),
                    false => {
                        let field = self.field_named(&name);
                        messages::unknown_name(ident, &self.names(), field)
                    }
                };
                return Err(self.report(error));
            }
        }
        match p.path.get_ident() {
            Some(name) if self.scope.symbol(&parse::name(name)).is_some() => {
                let dim = self.scope.name(&p.path);
                let dim = self.scope.errors.check(dim)?;
                Ok(Val::Size(self.dim(&dim)?))
            }
            _ => match p.path.segments.iter().find(|s| !s.arguments.is_none()) {
                Some(s) => Err(self.report(messages::not_in_the_language(&s.arguments))),
                None => Ok(Val::Const(Box::new(Constant::from_path(&p.path)))),
            },
        }
    }

    /// Every name in scope, for suggestions.
    pub fn names(&self) -> Vec<String> {
        self.locals.names()
    }

    /// The path of a field called so, of a struct that has a name here.
    fn field_named(&self, name: &str) -> Option<String> {
        let has = |local: &String| match self.locals.get(local).map(|l| &l.val) {
            Some(Val::Struct(s)) => {
                let fields = &self.scope.registry.structs[s.structure].signature.fields;
                fields.iter().any(|f| f.name == name)
            }
            _ => false,
        };
        let owner = self.names().into_iter().find(has)?;
        Some(format!("{owner}.{name}"))
    }

    fn field(&mut self, f: &syn::ExprField) -> Checked<Val> {
        let base = self.expression(&f.base)?;
        match (&base, &f.member) {
            (Val::Struct(s), syn::Member::Named(name)) => self.struct_field(s, name),
            (Val::Tuple(parts), syn::Member::Unnamed(i)) => {
                let at = usize::try_from(i.index).unwrap_or(usize::MAX);
                match parts.get(at) {
                    Some(Val::Broken) => Err(Reported),
                    Some(part) => Ok(part.clone()),
                    None => Err(self.report(messages::tuple_index(i, parts.len()))),
                }
            }
            (Val::Broken, _) => Err(Reported),
            (
                Val::Tensor(_)
                | Val::Number(_)
                | Val::Size(_)
                | Val::Const(_)
                | Val::Counted(_)
                | Val::Index(_)
                | Val::Flag(_)
                | Val::Setting(_)
                | Val::List(_),
                member,
            ) => {
                let what = self.describe(&base);
                Err(self.report(messages::field_of_tensor(member, &what)))
            }
            (Val::Struct(_) | Val::Repeated(_) | Val::Tuple(_), member) => {
                let what = self.describe(&base);
                Err(self.report(messages::no_such_member(member, &what)))
            }
        }
    }

    /// A value as a tensor: numbers become constants of `dtype`, sizes extents.
    pub fn tensor_of(
        &mut self,
        val: Val,
        dtype: Option<DType>,
        at: &TokenStream,
    ) -> Checked<Value> {
        match val {
            Val::Tensor(v) => Ok(v),
            Val::Number(n) => {
                let dtype = dtype.unwrap_or(DType::Float);
                let whole = !dtype.is_integer() || (n.integer && dtype.holds(n.value));
                if dtype == DType::Bool || !whole {
                    return Err(self.report(messages::number_type(at, n.value, dtype, None)));
                }
                match self.constant(n.value, dtype, at)? {
                    Val::Tensor(v) => Ok(v),
                    _ => Err(Reported),
                }
            }
            Val::Size(dim) => {
                let dtype = match dtype {
                    Some(DType::Bool) | None => DType::Float,
                    Some(d) => d,
                };
                let dim = self.dim(&dim)?;
                let made = self.builder.extent(dim, dtype, Shape::scalar());
                made.map_err(|error| self.refused(at, "extent", &error, &[]))
            }
            Val::Const(c) => self.const_of(&c, dtype.unwrap_or(DType::Float), at),
            Val::Counted(c) => self.counted_number(&c, dtype.unwrap_or(DType::Float)),
            Val::Index(index) => self.index_number(&index, dtype, at),
            Val::Setting(number) => self.setting(&number, dtype.unwrap_or(DType::Float), at),
            Val::Broken => Err(Reported),
            other @ (Val::Flag(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Tuple(_)
            | Val::List(_)) => {
                let what = self.describe(&other);
                Err(self.report(messages::not_a_tensor(at, &what)))
            }
        }
    }

    /// A value in words: its type as it is written.
    pub fn describe(&self, val: &Val) -> String {
        match val {
            Val::Tensor(v) => messages::tensor(self.builder.type_of(*v)),
            Val::Number(n) if n.integer => "an integer".to_string(),
            Val::Number(_) => "a number".to_string(),
            Val::Size(d) => format!("the size `{}`", messages::dim(d)),
            Val::Const(c) => format!("the const `{}`", c.source),
            Val::Counted(c) => format!("the number `{}`", messages::source(&c.written)),
            Val::Struct(s) => {
                let signature = &self.scope.registry.structs[s.structure].signature;
                messages::structure(signature, &s.dims)
            }
            Val::Repeated(r) => {
                let signature = &self.scope.registry.structs[r.stacked.structure].signature;
                let child = messages::structure(signature, &r.stacked.dims);
                format!("[{child}; {}]", messages::dim(&r.count))
            }
            Val::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|p| self.describe(p)).collect();
                format!("({})", parts.join(", "))
            }
            Val::Index(_) => messages::LOOP_INDEX.to_string(),
            Val::Flag(_) => "a `bool` of the configuration".to_string(),
            Val::Setting(_) => "a number of the configuration".to_string(),
            Val::List(_) => "a list".to_string(),
            Val::Broken => "?".to_string(),
        }
    }
}

/// Whether an expression is done for its value or its effect, as what is around it says.
fn is_choice(e: &syn::Expr) -> bool {
    matches!(e, syn::Expr::If(_) | syn::Expr::Match(_))
}

/// Whether an expression is done for its effect, with a `;` or without.
fn is_statement(e: &syn::Expr) -> bool {
    match e {
        syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => true,
        syn::Expr::Assign(_) => true,
        syn::Expr::Binary(b) => assignment::operator(&b.op).is_some(),
        _ => false,
    }
}

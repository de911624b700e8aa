//! Arguments of operations: by position and by name (`x.sum(-1, keepdims = true)`).

use super::Lowerer;
use super::call::Given;
use super::value::Val;
use crate::check::Scope;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::operations::{DefaultValue, Operation};
use crate::parse::{self, types};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, Dim, Number, Shape, Symbol, SymbolKind, Value};

/// One argument.
pub enum Argument<'c> {
    /// A receiver: lowered already.
    Done(Given),
    /// An expression that is lowered as what the parameter is.
    Expr(&'c syn::Expr),
}

/// A call's arguments in the order of the operation's parameters.
pub struct Arguments<'c> {
    /// The operation.
    pub op: &'static Operation,
    /// Its name in the call.
    pub name: syn::Ident,
    /// One slot a parameter, and more behind these where one takes many: for its further arguments.
    slots: Vec<Option<Argument<'c>>>,
    /// Sizes by other names, where the operation takes such.
    sizes: Vec<(String, &'c syn::Expr)>,
}

impl Argument<'_> {
    fn tokens(&self) -> TokenStream {
        match self {
            Argument::Done(g) => g.tokens.clone(),
            Argument::Expr(e) => e.to_token_stream(),
        }
    }
}

impl<'c> Arguments<'c> {
    /// Sorts arguments into the operation's parameters.
    pub fn new(
        scope: &Scope<'_>,
        op: &'static Operation,
        name: &syn::Ident,
        receiver: Option<Given>,
        args: &'c syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    ) -> Checked<Arguments<'c>> {
        let report = |e| Err(scope.errors.report(e));
        let mut slots: Vec<Option<Argument<'c>>> = op.parameters.iter().map(|_| None).collect();
        let mut sizes: Vec<(String, &syn::Expr)> = Vec::new();
        let mut next = 0;
        if let Some(given) = receiver
            && let Some(slot) = slots.first_mut()
        {
            *slot = Some(Argument::Done(given));
            next = 1;
        }
        let count = args.len();
        for a in args {
            let (place, value) = match a {
                syn::Expr::Assign(assign) => {
                    let named = assign.left.to_token_stream().to_string();
                    match op.parameters.iter().position(|p| p.name == named) {
                        Some(place) => (place, &*assign.right),
                        None if op.takes_sizes() => {
                            if sizes.iter().any(|(n, _)| *n == named) {
                                return report(messages::argument_twice(a, name, &op.usage()));
                            }
                            sizes.push((named, &*assign.right));
                            continue;
                        }
                        None => {
                            return report(messages::no_parameter(
                                &assign.left,
                                name,
                                &op.parameter_names(),
                                &op.usage(),
                            ));
                        }
                    }
                }
                other => {
                    next += 1;
                    (op.place(next - 1), other)
                }
            };
            if place >= slots.len() && op.many().is_some() {
                slots.push(None);
            }
            match slots.get_mut(place) {
                Some(slot @ None) => *slot = Some(Argument::Expr(value)),
                Some(Some(_)) => return report(messages::argument_twice(a, name, &op.usage())),
                None => return report(messages::operation_arguments(name, &op.usage(), count)),
            }
        }
        let missing = slots.iter().take(op.required()).position(Option::is_none);
        if let Some(place) = missing {
            let parameter = op.parameter_names().into_iter().nth(place);
            let parameter = parameter.unwrap_or_default();
            return report(messages::missing_argument(name, &op.usage(), &parameter));
        }
        Ok(Arguments {
            op,
            name: name.clone(),
            slots,
            sizes,
        })
    }

    /// How many there may be.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The arguments of the parameter that takes many.
    pub fn many(&self) -> Vec<usize> {
        let first = self.op.many();
        let further = self.op.parameters.len()..self.slots.len();
        first.into_iter().chain(further).collect()
    }

    /// What the argument is where it is not given.
    fn default(&self, i: usize) -> Option<DefaultValue> {
        self.op.parameters.get(i).map(|p| p.default)
    }

    /// Whether the argument is there.
    pub fn has(&self, i: usize) -> bool {
        self.slots.get(i).is_some_and(Option::is_some)
    }

    /// Sizes by other names than those of parameters, in order.
    pub fn sizes(&self) -> &[(String, &'c syn::Expr)] {
        &self.sizes
    }

    /// Whether the argument is a string literal.
    pub fn is_text(&self, i: usize) -> bool {
        let text =
            |e: &syn::Expr| matches!(e, syn::Expr::Lit(l) if matches!(l.lit, syn::Lit::Str(_)));
        self.expr(i).is_some_and(text)
    }

    /// Its tokens; the operation's name without one.
    pub fn tokens(&self, i: usize) -> TokenStream {
        match self.slots.get(i) {
            Some(Some(a)) => a.tokens(),
            _ => self.name.to_token_stream(),
        }
    }

    /// It as it is written, where it is no receiver.
    pub fn written(&self, i: usize) -> Option<&'c syn::Expr> {
        match self.slots.get(i) {
            Some(Some(Argument::Expr(e))) => Some(e),
            _ => None,
        }
    }

    pub(super) fn expr(&self, i: usize) -> Option<&'c syn::Expr> {
        match self.slots.get(i) {
            Some(Some(Argument::Expr(e))) => Some(plain(e)),
            _ => None,
        }
    }
}

/// Without parentheses and `&` around.
pub fn plain(e: &syn::Expr) -> &syn::Expr {
    match e {
        syn::Expr::Paren(p) => plain(&p.expr),
        syn::Expr::Group(g) => plain(&g.expr),
        syn::Expr::Reference(r) => plain(&r.expr),
        other => other,
    }
}

/// A literal integer, perhaps with a sign.
pub fn integer(e: &syn::Expr) -> Option<i64> {
    match plain(e) {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(i),
            ..
        }) => i.base10_parse().ok(),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => integer(&u.expr)?.checked_neg(),
        _ => None,
    }
}

impl Lowerer<'_, '_> {
    /// A value of any kind.
    pub fn value_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Given> {
        match a.slots.get(i) {
            Some(Some(Argument::Done(given))) => Ok(given.clone()),
            Some(Some(Argument::Expr(e))) => Ok(Given {
                val: self.expression(e)?,
                tokens: e.to_token_stream(),
            }),
            _ => Err(Reported),
        }
    }

    /// A tensor; a number becomes a scalar of `dtype`.
    pub fn tensor_arg(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
        dtype: Option<DType>,
    ) -> Checked<Value> {
        let given = self.value_arg(a, i)?;
        self.tensor_of(given.val, dtype, &given.tokens)
    }

    /// The list that an argument is, if it is the name of one.
    pub fn list_arg(&self, a: &Arguments<'_>, i: usize) -> Option<usize> {
        let val = match a.slots.get(i) {
            Some(Some(Argument::Done(given))) => Some(&given.val),
            Some(Some(Argument::Expr(syn::Expr::Path(p)))) => p
                .path
                .get_ident()
                .and_then(|name| self.lookup(&parse::name(name))),
            _ => None,
        };
        match val {
            Some(Val::List(list)) => Some(*list),
            _ => None,
        }
    }

    /// The tensors that an argument is, if it is the name of several.
    fn array_arg(&self, a: &Arguments<'_>, i: usize) -> Option<Vec<Val>> {
        let val = match a.slots.get(i) {
            Some(Some(Argument::Done(given))) => &given.val,
            Some(Some(Argument::Expr(syn::Expr::Path(p)))) => {
                self.lookup(&parse::name(p.path.get_ident()?))?
            }
            _ => return None,
        };
        match val {
            Val::Tuple(parts) => Some(parts.clone()),
            _ => None,
        }
    }

    /// A list of tensors in brackets, or the name of several.
    pub fn tensors_arg(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
    ) -> Checked<Vec<(Value, TokenStream)>> {
        if let Some(parts) = self.array_arg(a, i) {
            let tokens = a.tokens(i);
            let parts = parts.into_iter();
            let parts =
                parts.map(|part| Ok((self.tensor_of(part, None, &tokens)?, tokens.clone())));
            return parts.collect();
        }
        let Some(syn::Expr::Array(list)) = a.expr(i) else {
            return Err(self.report(messages::wants_list(&a.tokens(i), &a.name, &a.op.usage())));
        };
        let mut out = Vec::new();
        for e in &list.elems {
            let val = self.expression(e)?;
            let tokens = e.to_token_stream();
            out.push((self.tensor_of(val, None, &tokens)?, tokens));
        }
        match out.is_empty() {
            true => Err(self.report(messages::empty_list(list, &a.name))),
            false => Ok(out),
        }
    }

    /// One axis, an integer literal.
    pub fn axis_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<i64> {
        match a.expr(i) {
            None => match a.default(i) {
                Some(DefaultValue::Integer(value)) => Ok(value),
                _ => Err(self.report(messages::wants_axis(&a.name, &a.name, &a.op.usage()))),
            },
            Some(e) => match self.known_integer(e) {
                Some(axis) => Ok(axis),
                None => Err(self.report(messages::wants_axis(e, &a.name, &a.op.usage()))),
            },
        }
    }

    /// A literal integer of 32 bits.
    pub fn integer_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<i32> {
        let value = match (a.expr(i), a.default(i)) {
            (Some(e), _) => self.known_integer(e),
            (None, Some(DefaultValue::Integer(value))) => Some(value),
            (None, _) => None,
        };
        let Some(value) = value else {
            return Err(self.report(messages::wants_integer(
                &a.tokens(i),
                &a.name,
                &a.op.usage(),
            )));
        };
        let fits = i32::try_from(value);
        fits.map_err(|_| self.report(messages::integer_range(&a.tokens(i), &a.name, value)))
    }

    /// One axis or several; `None` for all of them.
    pub fn axes_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Option<Vec<i64>>> {
        let Some(e) = a.expr(i) else {
            return Ok(None);
        };
        let list = match e {
            syn::Expr::Array(list) => &list.elems,
            syn::Expr::Tuple(list) => &list.elems,
            one => match self.known_integer(one) {
                Some(axis) => return Ok(Some(vec![axis])),
                None => return Err(self.report(messages::wants_axis(e, &a.name, &a.op.usage()))),
            },
        };
        let mut out = Vec::new();
        for e in list {
            match integer(e) {
                Some(axis) => out.push(axis),
                None => return Err(self.report(messages::wants_axis(e, &a.name, &a.op.usage()))),
            }
        }
        Ok(Some(out))
    }

    /// `true` or `false`.
    pub fn flag_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<bool> {
        match a.expr(i) {
            None => Ok(a.default(i) == Some(DefaultValue::Flag(true))),
            Some(syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Bool(b),
                ..
            })) => Ok(b.value),
            Some(e) => Err(self.report(messages::wants_flag(e, &a.name, &a.op.usage()))),
        }
    }

    /// A number that is known when sizes are bound, of `dtype`: a literal, a Rust const or one of the configuration.
    pub fn number_arg(&mut self, a: &Arguments<'_>, i: usize, dtype: DType) -> Checked<Number> {
        let Some(e) = a.expr(i) else {
            return match a.default(i) {
                Some(DefaultValue::Number(value)) => Ok(Number::Known(value)),
                _ => Err(self.report(messages::wants_number(&a.name, &a.name, &a.op.usage()))),
            };
        };
        // A literal as it is written: what is past all numbers is told as that.
        match crate::parse::structure::number(e) {
            Some(n) if n.is_finite() => return Ok(Number::Known(n)),
            Some(_) => return Err(self.report(messages::number_range(e))),
            None => {}
        }
        let given = self.value_arg(a, i)?;
        match given.val {
            Val::Number(n) => Ok(Number::Known(n.value)),
            Val::Const(c) => self.const_number(&c, dtype, &given.tokens),
            Val::Setting(number) => self.setting_number(&number, dtype, &given.tokens),
            Val::Broken => Err(Reported),
            _ => Err(self.report(messages::wants_number(
                &given.tokens,
                &a.name,
                &a.op.usage(),
            ))),
        }
    }

    /// A string literal.
    pub fn text_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Option<syn::LitStr>> {
        match a.expr(i) {
            None => Ok(None),
            Some(syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(s),
                ..
            })) => Ok(Some(s.clone())),
            Some(e) => Err(self.report(messages::wants_text(e, &a.name, &a.op.usage()))),
        }
    }

    /// One of the texts that the declaration lists.
    pub fn choice_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<&'static str> {
        let Some(DefaultValue::Choice(texts)) = a.default(i) else {
            return Err(self.report(messages::wants_text(&a.tokens(i), &a.name, &a.op.usage())));
        };
        let chosen = match self.text_arg(a, i)?.map(|s| s.value()) {
            None => texts.first(),
            Some(text) => texts.iter().find(|t| **t == text),
        };
        let wrong = || messages::wants_choice(&a.tokens(i), &a.name, texts);
        chosen.copied().ok_or_else(|| self.report(wrong()))
    }

    /// The text that an argument is, of those that the parameter takes beside its kind; `None` if it is no text.
    pub fn one_of_texts(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Option<&'static str>> {
        if !a.is_text(i) {
            return Ok(None);
        }
        let texts = a.op.parameters.get(i).map_or(&[][..], |p| p.texts);
        let text = self.text_arg(a, i)?.map(|s| s.value());
        let chosen = texts.iter().find(|t| text.as_deref() == Some(**t));
        let wrong = || messages::wants_choice(&a.tokens(i), &a.name, texts);
        chosen
            .copied()
            .map(Some)
            .ok_or_else(|| self.report(wrong()))
    }

    /// An element type by name.
    pub fn dtype_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<DType> {
        let Some(e) = a.expr(i) else {
            return match a.default(i) {
                Some(DefaultValue::DType(dtype)) => Ok(dtype),
                _ => Err(self.report(messages::wants_dtype(&a.name, &a.name, &a.op.usage()))),
            };
        };
        let name = e.to_token_stream().to_string();
        // The working float has no name among types, where it is left out.
        let dtype = match name.as_str() {
            "float" => Some(DType::Float),
            name => types::element_type(name),
        };
        match dtype {
            Some(dtype) => Ok(dtype),
            None => Err(self.report(messages::wants_dtype(e, &a.name, &a.op.usage()))),
        }
    }

    /// A shape in brackets: `[B, H * D, 64]`, `[[S], D]`; `-1`, for a dim that is inferred, is `None`.
    pub fn shape_arg(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
    ) -> Checked<(Option<Symbol>, Vec<Option<Dim>>)> {
        let elems = match a.expr(i) {
            Some(syn::Expr::Array(list)) => &list.elems,
            Some(syn::Expr::Tuple(list)) => &list.elems,
            _ => {
                return Err(self.report(messages::wants_shape(
                    &a.tokens(i),
                    &a.name,
                    &a.op.usage(),
                )));
            }
        };
        let (mut sequence, mut out) = (None, Vec::new());
        for (k, e) in elems.iter().map(plain).enumerate() {
            if let syn::Expr::Array(inner) = e {
                let name = match (k, inner.elems.first(), inner.elems.len()) {
                    (0, Some(syn::Expr::Path(p)), 1) => p.path.get_ident().cloned(),
                    _ => None,
                };
                match name {
                    Some(n)
                        if self.scope.symbol(&parse::name(&n)) == Some(SymbolKind::Sequence) =>
                    {
                        sequence = Some(Symbol::new(&parse::name(&n)));
                        continue;
                    }
                    _ => return Err(self.report(messages::wants_shape(e, &a.name, &a.op.usage()))),
                }
            }
            if integer(e) == Some(-1) {
                out.push(None);
                continue;
            }
            out.push(Some(self.dim_expr(e)?));
        }
        Ok((sequence, out))
    }

    /// A shape without `-1`.
    pub fn full_shape_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Shape> {
        let (sequence, dims) = self.shape_arg(a, i)?;
        match dims.into_iter().collect::<Option<Vec<Dim>>>() {
            Some(dims) => Ok(Shape { sequence, dims }),
            None => Err(self.report(messages::wants_shape(&a.tokens(i), &a.name, &a.op.usage()))),
        }
    }

    /// A list of pairs of dims: `[(0, 0), (1, 1)]`.
    pub fn pairs_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Vec<(Dim, Dim)>> {
        let wrong = || messages::wants_pairs(&a.tokens(i), &a.name, &a.op.usage());
        let Some(syn::Expr::Array(list)) = a.expr(i) else {
            return Err(self.report(wrong()));
        };
        let mut out = Vec::new();
        for e in &list.elems {
            match plain(e) {
                syn::Expr::Tuple(t) if t.elems.len() == 2 => {
                    out.push((self.dim_expr(&t.elems[0])?, self.dim_expr(&t.elems[1])?));
                }
                _ => return Err(self.report(wrong())),
            }
        }
        Ok(out)
    }
}

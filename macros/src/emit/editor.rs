//! What an editor is given of a body: a function that is never called, in which rust-analyzer finds the types of
//! variables, the fields of structs and the operations, and so shows and completes them. rustc is given none of it.
//!
//! The body stays as it is written, token by token, where Rust has a meaning for it. What has one in the language
//! alone goes through the library's `editor` module: named arguments, indices, comparisons, fields as tensors.

use crate::operations;
use crate::parse::{self, Function, Item, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Lit, Member, UnOp};

/// Whether it is an editor that expands: rust-analyzer starts its macro server with this variable.
pub fn is_there() -> bool {
    std::env::var_os("RUST_ANALYZER_INTERNALS_DO_NOT_USE").is_some()
}

/// What an editor is given beside an item.
pub fn beside(item: &Item, library: &TokenStream) -> TokenStream {
    match item {
        Item::Function(f) => {
            let function = function(f, &[], library);
            quote!(const _: () = { #function };)
        }
        Item::Methods(m) => {
            let owner = &m.owner.path;
            let functions = m.functions.iter();
            let functions = functions.map(|f| function(f, &m.symbols, library));
            quote!(impl #owner { #(#functions)* })
        }
        Item::Structure(_) | Item::Enumeration(_) | Item::Module(_) => TokenStream::new(),
    }
}

/// The function with a body as it is for an editor; `outer` are the symbols around it.
fn function(f: &Function, outer: &[Ident], library: &TokenStream) -> TokenStream {
    let mut body = f.body.clone();
    Editor { library }.visit_block_mut(&mut body);
    let receiver = f.receiver.map(|token| quote!(&#token,));
    let parameters = f.parameters.iter().map(|p| {
        let ty = plain_type(&p.ty, library);
        match &p.pattern {
            Some(pattern) => quote!(#pattern: #ty),
            None => {
                let name = &p.name;
                quote!(#name: #ty)
            }
        }
    });
    let symbols = outer.iter().chain(&f.symbols);
    let name = quote::format_ident!("__sinew_editor_{}", f.name);
    quote! {
        #[allow(warnings, clippy::all)]
        #[doc(hidden)]
        fn #name<#(const #symbols: ::core::primitive::usize),*>(#receiver #(#parameters),*) {
            let _ = #body;
        }
    }
}

fn plain_type(ty: &TypeExpr, library: &TokenStream) -> TokenStream {
    match ty {
        TypeExpr::Tensor(t) => {
            let path = &t.path;
            let span = crate::parse::start(path);
            let tensor = quote_spanned!(span=> ::editor::Tensor);
            quote!(#library #tensor)
        }
        TypeExpr::Struct(s) => {
            let path = &s.path;
            quote!(&#path)
        }
        TypeExpr::Tuple(parts) => {
            let parts = parts.iter().map(|p| plain_type(p, library));
            quote!((#(#parts,)*))
        }
        TypeExpr::Array(part, count) => {
            let part = plain_type(part, library);
            quote!([#part; #count])
        }
    }
}

struct Editor<'l> {
    library: &'l TokenStream,
}

impl Editor<'_> {
    /// What the library's module makes of these.
    fn through(&self, function: &str, arguments: &TokenStream) -> Expr {
        let function = Ident::new(function, proc_macro2::Span::call_site());
        let library = self.library;
        Expr::Verbatim(quote!(#library::editor::#function(#arguments)))
    }

    /// A field that is taken as a tensor or a number, not moved.
    fn value(&self, e: &mut Expr) {
        if let Expr::Field(field) = e
            && matches!(field.member, Member::Named(_))
        {
            *e = self.through("value", &quote!(&#field));
        }
    }

    /// Arguments without their names.
    fn arguments<'e>(&self, arguments: impl Iterator<Item = &'e mut Expr>) -> Vec<Expr> {
        let each = arguments.map(|argument| {
            let mut argument = match argument {
                Expr::Assign(named) => (*named.right).clone(),
                other => other.clone(),
            };
            self.visit(&mut argument);
            self.value(&mut argument);
            argument
        });
        each.collect()
    }

    /// Arguments of an operation, as one: lists, in which sizes stand beside sequences, are tuples, and the names
    /// of element types nothing.
    fn of_operation<'e>(&self, arguments: impl Iterator<Item = &'e mut Expr>) -> TokenStream {
        fn loose(e: Expr) -> TokenStream {
            match e {
                Expr::Array(list) => {
                    let parts = list.elems.into_iter().map(loose);
                    quote!((#(#parts,)*))
                }
                other if is_element_type(&other) => quote!(()),
                other => other.into_token_stream(),
            }
        }
        let arguments = self.arguments(arguments).into_iter().map(loose);
        quote!((#(#arguments,)*))
    }

    fn visit(&self, e: &mut Expr) {
        let mut editor = Editor {
            library: self.library,
        };
        editor.visit_expr_mut(e);
    }

    fn method(&self, call: &mut syn::ExprMethodCall) -> Expr {
        let method = &call.method;
        let name = parse::name(method);
        if IN_ITERATORS.contains(&name.as_str()) && is_open_range(&call.receiver) {
            return Expr::Verbatim(quote!(()));
        }
        self.visit(&mut call.receiver);
        let receiver = &call.receiver;
        match operations::find(&name) {
            Some(operation) => {
                let given = self.of_operation(call.args.iter_mut());
                let receiver = self.through("tensor", &quote!(&#receiver));
                let given = (operation.parameters.len() > 1).then_some(given);
                Expr::Verbatim(quote!(#receiver.#method(#given)))
            }
            None => {
                let arguments = self.arguments(call.args.iter_mut());
                if IN_ITERATORS.contains(&name.as_str()) {
                    return Expr::Verbatim(quote! {
                        ::core::iter::IntoIterator::into_iter(#receiver).#method(#(#arguments),*)
                    });
                }
                let call = quote!(#receiver.#method(#(#arguments),*));
                match name.as_str() {
                    "push" | "iter" => Expr::Verbatim(call),
                    _ => self.through("given", &call),
                }
            }
        }
    }

    fn call(&self, call: &mut syn::ExprCall) -> Expr {
        let mut function = (*call.func).clone();
        let mut name = None;
        if let Expr::Path(p) = &mut function {
            // Sizes are no arguments of Rust's.
            for segment in &mut p.path.segments {
                segment.arguments = syn::PathArguments::None;
            }
            name = p.path.segments.last().map(|s| parse::name(&s.ident));
        }
        match name.as_deref() {
            Some("new") => Expr::Verbatim(call.to_token_stream()),
            Some(name) if operations::find(name).is_some() => {
                // What a function of functions gives depends on these.
                let what = match call.args.iter().any(|a| matches!(a, Expr::Closure(_))) {
                    true => "anything",
                    false => "operation",
                };
                let arguments = self.of_operation(call.args.iter_mut());
                self.through(what, &quote!(#function, #arguments))
            }
            _ => {
                let arguments = self.arguments(call.args.iter_mut());
                self.through("given", &quote!(#function(#(#arguments),*)))
            }
        }
    }

    fn binary(&self, e: &mut syn::ExprBinary) -> Expr {
        self.visit(&mut e.left);
        self.visit(&mut e.right);
        let place = e.left.clone();
        self.value(&mut e.left);
        self.value(&mut e.right);
        let (left, right) = (&e.left, &e.right);
        let assigned = match e.op {
            BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_) => {
                return Expr::Binary(e.clone());
            }
            BinOp::AddAssign(_) => quote!(#left + #right),
            BinOp::SubAssign(_) => quote!(#left - #right),
            BinOp::MulAssign(_) => quote!(#left * #right),
            BinOp::DivAssign(_) => quote!(#left / #right),
            // A comparison, or one of bits and truths.
            _ => return self.through("truth", &quote!(&(#left, #right))),
        };
        match &*place {
            Expr::Path(_) => Expr::Verbatim(quote!(#place = #assigned)),
            _ => self.through("truth", &quote!(&(#assigned,))),
        }
    }
}

/// Methods of what a loop runs over.
const IN_ITERATORS: [&str; 4] = ["enumerate", "zip", "rev", "step_by"];

/// A range that Rust has no iterator for.
fn is_open_range(e: &Expr) -> bool {
    match e {
        Expr::Paren(p) => is_open_range(&p.expr),
        Expr::MethodCall(call) => is_open_range(&call.receiver),
        Expr::Range(range) => range.start.is_none() || range.end.is_none(),
        _ => false,
    }
}

fn is_element_type(e: &Expr) -> bool {
    const NAMES: [&str; 8] = ["float", "f32", "f64", "f16", "bf16", "i32", "u32", "bool"];
    match e {
        Expr::Path(p) => p
            .path
            .get_ident()
            .is_some_and(|i| NAMES.iter().any(|n| i == n)),
        _ => false,
    }
}

/// The type of a pattern of tensors.
fn type_of(pattern: &syn::Pat, library: &TokenStream) -> TokenStream {
    match pattern {
        syn::Pat::Ident(_) => quote!(#library::editor::Tensor),
        syn::Pat::Tuple(tuple) => {
            let parts = tuple.elems.iter().map(|p| type_of(p, library));
            quote!((#(#parts,)*))
        }
        _ => quote!(_),
    }
}

/// Whether an operation is called, which may give several tensors.
fn is_operation(e: &Expr) -> bool {
    let name = match e {
        Expr::MethodCall(call) => Some(parse::name(&call.method)),
        Expr::Call(call) => match &*call.func {
            Expr::Path(p) => p.path.segments.last().map(|s| parse::name(&s.ident)),
            _ => None,
        },
        _ => None,
    };
    name.is_some_and(|name| operations::find(&name).is_some())
}

impl VisitMut for Editor<'_> {
    fn visit_expr_mut(&mut self, e: &mut Expr) {
        *e = match e {
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Index(index) => {
                self.visit(&mut index.expr);
                self.visit(&mut index.index);
                let (base, at) = (&index.expr, &index.index);
                self.through("part", &quote!(&#base, #at))
            }
            Expr::Unary(unary) => {
                self.visit(&mut unary.expr);
                self.value(&mut unary.expr);
                match unary.op {
                    UnOp::Not(_) => {
                        let inner = &unary.expr;
                        self.through("truth", &quote!(&(#inner,)))
                    }
                    _ => return,
                }
            }
            Expr::Assign(assign) => {
                self.visit(&mut assign.right);
                self.value(&mut assign.right);
                match &*assign.left {
                    Expr::Path(_) | Expr::Tuple(_) => return,
                    left => {
                        let right = &assign.right;
                        self.through("truth", &quote!(&(&#left, #right)))
                    }
                }
            }
            Expr::If(branch) => {
                visit_mut::visit_expr_if_mut(self, branch);
                if !matches!(*branch.cond, Expr::Let(_)) {
                    self.value(&mut branch.cond);
                    let cond = branch.cond.to_token_stream();
                    *branch.cond = self.through("holds", &quote!(&#cond));
                }
                return;
            }
            Expr::Tuple(tuple) => {
                tuple.elems.iter_mut().for_each(|e| {
                    self.visit(e);
                    self.value(e);
                });
                return;
            }
            Expr::Field(field)
                if matches!(field.member, Member::Unnamed(_)) && is_operation(&field.base) =>
            {
                self.visit(&mut field.base);
                let base = &field.base;
                self.through("tensor", &quote!(&#base))
            }
            Expr::Return(syn::ExprReturn {
                expr: Some(value), ..
            }) => {
                self.visit(value);
                self.value(value);
                let value = &*value;
                self.through("truth", &quote!(&(#value,)))
            }
            Expr::Path(p) if p.path.is_ident("None") => Expr::Verbatim(quote!(())),
            Expr::Lit(lit) => match &lit.lit {
                Lit::Float(_) => {
                    let lit = quote_spanned!(lit.span()=> #lit);
                    self.through("value", &quote!(&#lit))
                }
                _ => return,
            },
            other => {
                visit_mut::visit_expr_mut(self, other);
                return;
            }
        };
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        // Types of the language are no types of Rust.
        if let syn::Pat::Type(typed) = &local.pat {
            local.pat = (*typed.pat).clone();
        }
        let Some(init) = &mut local.init else { return };
        let several = matches!(local.pat, syn::Pat::Tuple(_)) && is_operation(&init.expr);
        self.visit_expr_mut(&mut init.expr);
        self.value(&mut init.expr);
        if several {
            let (expr, ty) = (&init.expr, type_of(&local.pat, self.library));
            *init.expr = Expr::Verbatim(quote!({
                let _ = #expr;
                let all: #ty = loop {};
                all
            }));
        }
    }
}

//! What an editor is given of a body: a function that is never called, in which rust-analyzer finds the types of
//! variables, the fields of structs and the operations, and so shows and completes them. rustc is given none of it.
//!
//! The body stays as it is written, token by token, where Rust has a meaning for it. What has one in the language
//! alone goes through the library's `editor` module: named arguments, indices, comparisons, fields as tensors.

use crate::operations;
use crate::parse::{self, Function, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Lit, Member, UnOp};

/// Whether it is an editor that expands: rust-analyzer starts its macro server with this variable.
pub fn is_there() -> bool {
    std::env::var_os("RUST_ANALYZER_INTERNALS_DO_NOT_USE").is_some()
}

/// The function with a body as it is for an editor; `outer` are the symbols around it.
pub fn function(f: &Function, outer: &[Ident], library: &TokenStream) -> TokenStream {
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
            let tensor = quote_spanned!(span=> ::Tensor);
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
        arguments
            .map(|argument| {
                let mut argument = match argument {
                    Expr::Assign(named) => (*named.right).clone(),
                    other => other.clone(),
                };
                self.visit(&mut argument);
                self.value(&mut argument);
                match is_element_type(&argument) {
                    true => Expr::Verbatim(quote!(())),
                    false => argument,
                }
            })
            .collect()
    }

    fn visit(&self, e: &mut Expr) {
        let mut editor = Editor {
            library: self.library,
        };
        editor.visit_expr_mut(e);
    }

    fn method(&self, call: &mut syn::ExprMethodCall) -> Expr {
        self.visit(&mut call.receiver);
        let arguments = self.arguments(call.args.iter_mut());
        let (receiver, method) = (&call.receiver, &call.method);
        let name = parse::name(method);
        match operations::find(&name) {
            Some(operation) => {
                let receiver = self.through("value", &quote!(&#receiver));
                Expr::Verbatim(match operation.parameters.len() {
                    0 | 1 => quote!(#receiver.#method()),
                    _ => quote!(#receiver.#method((#(#arguments,)*))),
                })
            }
            None if IN_RUST.contains(&name.as_str()) => {
                Expr::Verbatim(quote!(#receiver.#method(#(#arguments),*)))
            }
            None => self.through("given", &quote!(#receiver.#method(#(#arguments),*))),
        }
    }

    fn call(&self, call: &mut syn::ExprCall) -> Expr {
        let arguments = self.arguments(call.args.iter_mut());
        let function = &call.func;
        let name = match &**function {
            Expr::Path(p) => p.path.segments.last().map(|s| parse::name(&s.ident)),
            _ => None,
        };
        match name.as_deref() {
            Some("new") => Expr::Verbatim(quote!(#function(#(#arguments),*))),
            Some(name) if operations::find(name).is_some() => {
                self.through("operation", &quote!(#function, (#(#arguments,)*)))
            }
            _ => self.through("given", &quote!(#function(#(#arguments),*))),
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

/// Methods that are Rust's own on what bodies hold.
const IN_RUST: [&str; 6] = ["push", "iter", "enumerate", "zip", "rev", "step_by"];

fn is_element_type(e: &Expr) -> bool {
    const NAMES: [&str; 7] = ["f32", "f64", "f16", "bf16", "i32", "u32", "bool"];
    match e {
        Expr::Path(p) => p
            .path
            .get_ident()
            .is_some_and(|i| NAMES.iter().any(|n| i == n)),
        _ => false,
    }
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
        visit_mut::visit_local_mut(self, local);
        // Types of the language are no types of Rust.
        if let syn::Pat::Type(typed) = &local.pat {
            local.pat = (*typed.pat).clone();
        }
        if let Some(init) = &mut local.init {
            self.value(&mut init.expr);
        }
    }
}

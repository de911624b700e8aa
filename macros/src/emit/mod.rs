//! Rust tokens: what stands in the user's crate in place of an item.
//!
//! At once: the plain item, so that everything else in the crate sees it, and a function's own macro with the
//! values of consts; a struct's come behind the chain over its children. Behind the chain over all that an item
//! mentions: what is implemented for it, the unit and its assertions.
//! Emitted code names only `__private` of the library and the user's own paths.

pub mod becomes;
pub mod config;
mod derivatives;
pub mod editor;
mod entry;
pub mod enumeration;
pub mod function;
mod pytorch;
pub mod structure;
pub mod unit;
pub mod warnings;

use crate::parse::dims::{DimExpr, DimOp};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use sinew_ir::{Atom, DType, Dim, Symbol};

/// The marker of an element type.
pub fn element(dtype: DType, library: &TokenStream) -> TokenStream {
    match dtype {
        DType::Float => quote!(#library::__private::Float),
        DType::F32 => quote!(::core::primitive::f32),
        DType::F64 => quote!(::core::primitive::f64),
        DType::F16 => quote!(#library::__private::f16),
        DType::Bf16 => quote!(#library::__private::bf16),
        DType::I32 => quote!(::core::primitive::i32),
        DType::U32 => quote!(::core::primitive::u32),
        DType::Bool => quote!(::core::primitive::bool),
    }
}

/// The ranks that the library has a name for: a number in a type would be a constant of the user's crate.
const NAMED_RANKS: usize = 8;

/// The marker of a rank.
pub fn rank(tensor: &crate::parse::TensorType, library: &TokenStream) -> TokenStream {
    match &tensor.sequence {
        Some(_) => quote!(#library::__private::AnyRank),
        None => {
            let rank = tensor.dims.len();
            if rank > NAMED_RANKS {
                return quote!(#library::__private::Rank<#rank>);
            }
            let rank = format_ident!("Rank{}", rank);
            quote!(#library::__private::#rank)
        }
    }
}

/// A dim as an expression of type i128, where `name` gives the tokens of each name, of that type too;
/// nothing in it overflows or divides by zero.
///
/// Operands that stand side by side are emitted side by side: everything that reads the tokens recurses
/// over their groups, and a dim has more terms than a stack has room for.
pub fn dim(
    dim: &DimExpr,
    name: &dyn Fn(&syn::Path) -> TokenStream,
    library: &TokenStream,
) -> TokenStream {
    let fold = match dim {
        DimExpr::Integer(value, _) => return integer(*value),
        DimExpr::Name(path) => return name(path),
        DimExpr::Binary(_, op, _, _) => Fold::from(*op),
    };
    let mut operands = Vec::new();
    let mut first = dim;
    while let DimExpr::Binary(left, op, right, _) = first
        && Fold::from(*op) == fold
    {
        let right = self::dim(right, name, library);
        operands.push(match op {
            DimOp::Sub => Fold::Product.call(&[integer(-1), right], library),
            DimOp::Add | DimOp::Mul | DimOp::Div => right,
        });
        first = left;
    }
    operands.push(self::dim(first, name, library));
    operands.reverse();
    fold.call(&operands, library)
}

/// A dim in normal form likewise, where `value` gives the tokens of each symbol; `None` where it gives
/// none.
pub fn normal_dim(
    normal: &Dim,
    value: &dyn Fn(&Symbol) -> Option<TokenStream>,
    library: &TokenStream,
) -> Option<TokenStream> {
    let mut terms = Vec::new();
    for (monomial, coefficient) in normal.terms() {
        let mut factors = Vec::new();
        if monomial.is_empty() || coefficient != 1 {
            factors.push(integer(coefficient));
        }
        for (atom, power) in &monomial {
            let factor = match atom {
                Atom::Symbol(symbol) => value(symbol)?,
                Atom::Floor(a, b) => {
                    let (a, b) = (
                        normal_dim(a, value, library)?,
                        normal_dim(b, value, library)?,
                    );
                    Fold::Quotient.call(&[a, b], library)
                }
            };
            factors.extend((0..*power).map(|_| factor.clone()));
        }
        terms.push(Fold::Product.call(&factors, library));
    }
    Some(Fold::Sum.call(&terms, library))
}

/// The library's functions of lists that dims are computed with.
#[derive(Clone, Copy, PartialEq)]
enum Fold {
    Sum,
    Product,
    Quotient,
}

impl From<DimOp> for Fold {
    fn from(op: DimOp) -> Fold {
        match op {
            DimOp::Add | DimOp::Sub => Fold::Sum,
            DimOp::Mul => Fold::Product,
            DimOp::Div => Fold::Quotient,
        }
    }
}

impl Fold {
    fn call(self, operands: &[TokenStream], library: &TokenStream) -> TokenStream {
        let function = match (self, operands) {
            (_, [one]) => return one.clone(),
            (Fold::Sum, _) => quote!(sum),
            (Fold::Product, _) => quote!(product),
            (Fold::Quotient, _) => quote!(quotient),
        };
        quote!(#library::__private::#function(&[#(#operands),*]))
    }
}

fn integer(value: i64) -> TokenStream {
    let magnitude = proc_macro2::Literal::i128_suffixed(i128::from(value.unsigned_abs()));
    match value < 0 {
        true => quote!(-#magnitude),
        false => quote!(#magnitude),
    }
}

/// A Rust const of type usize as i128: another type is rustc's error at the const's name.
pub fn const_value(value: &TokenStream) -> TokenStream {
    quote!({
        let __sinew_value: ::core::primitive::usize = #value;
        __sinew_value as ::core::primitive::i128
    })
}

/// The same where the const's type is asked for elsewhere ([`unit::consts`]), so that it is one error.
pub fn known_const(value: &TokenStream) -> TokenStream {
    quote!((#value as ::core::primitive::i128))
}

/// The attributes that lints need on emitted items.
pub fn quiet() -> TokenStream {
    quote!(#[allow(dead_code, non_camel_case_types, non_upper_case_globals, non_snake_case, unused_qualifications, clippy::all, clippy::pedantic)])
}

/// Items and statements in a block of their own, in which nothing needs [`quiet`].
pub fn in_block(inner: &TokenStream) -> TokenStream {
    let quiet = quiet();
    quote! {
        #[allow(unused_imports, non_local_definitions)]
        #quiet
        const _: () = { #inner };
    }
}

/// The tokens at another place: what they mean stays as it is.
pub fn placed(tokens: TokenStream, span: Span) -> TokenStream {
    let place = |token: TokenTree| {
        let mut token = match token {
            TokenTree::Group(g) => {
                let inner = Group::new(g.delimiter(), placed(g.stream(), span));
                TokenTree::Group(inner)
            }
            other => other,
        };
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(place).collect()
}

/// Docs that stand in front of what the user wrote or in its place.
pub fn doc(text: &str) -> TokenStream {
    quote!(#[doc = #text])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_a_small_thread(test: fn()) {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test);
        thread.expect("a thread").join().expect("what it tests");
    }

    /// As many terms as a dim can have: each is written with a number and a symbol.
    fn largest() -> Dim {
        let mut sum = Dim::constant(7);
        for i in 0..511 {
            sum = sum
                .checked_add(&Dim::symbol(&format!("N{i}")))
                .expect("not too large");
        }
        let more = Dim::symbol("M");
        assert_eq!(sum.checked_add(&more), None, "there could be more terms");
        sum
    }

    #[test]
    fn the_longest_dim_is_emitted_on_a_small_stack() {
        in_a_small_thread(|| {
            let value = |s: &Symbol| {
                let name = format_ident!("{}", s.name());
                Some(const_value(&quote!(#name)))
            };
            let tokens = normal_dim(&largest(), &value, &quote!(sinew)).expect("a value each");
            let text = tokens.to_string();
            let read: syn::Expr = syn::parse_str(&text).expect("an expression");
            let syn::Expr::Call(call) = &read else {
                panic!("no call: {text}");
            };
            let Some(syn::Expr::Reference(list)) = call.args.first() else {
                panic!("no list: {text}");
            };
            let syn::Expr::Array(terms) = &*list.expr else {
                panic!("no list: {text}");
            };
            assert_eq!(terms.elems.len(), 512);
        });
    }

    #[test]
    fn dims_are_folds_over_lists() {
        let value = |s: &Symbol| {
            let name = format_ident!("{}", s.name());
            Some(quote!(#name))
        };
        let written = |text: &str| {
            let expr = crate::parse::dims::of_text(text).expect("a dim");
            let text = dim(&expr, &|path| quote!(#path), &quote!(l)).to_string();
            text.replace("l :: __private :: ", "").replace("i128", "")
        };
        let normal = |text: &str| {
            let expr = crate::parse::dims::of_text(text).expect("a dim");
            let mut name =
                |path: &syn::Path| Ok(Dim::symbol(&path.get_ident().expect("a name").to_string()));
            let dim = expr.resolve(&mut name).expect("in range");
            let text = normal_dim(&dim, &value, &quote!(l)).expect("values");
            let text = text.to_string();
            text.replace("l :: __private :: ", "").replace("i128", "")
        };
        assert_eq!(
            written("A - 2 + B"),
            "sum (& [A , product (& [- 1 , 2]) , B])"
        );
        assert_eq!(
            written("A * 2 / 3 / B"),
            "quotient (& [product (& [A , 2]) , 3 , B])"
        );
        assert_eq!(
            normal("A * A * 2 - 1"),
            "sum (& [- 1 , product (& [2 , A , A])])"
        );
        assert_eq!(normal("(A + 1) / 2"), "quotient (& [sum (& [1 , A]) , 2])");
        assert_eq!(normal("A - A"), "sum (& [])");
        assert_eq!(normal("0 - A"), "product (& [- 1 , A])");
    }
}

//! Rust tokens: what stands in the user's crate in place of an item.
//!
//! At once: the plain item, so that everything else in the crate sees it. After the first chain: the
//! item's own macro and the values of consts. After the second: the unit and its assertions.
//! Emitted code names only `__private` of the library and the user's own paths.

pub mod function;
pub mod structure;
pub mod unit;

use crate::parse::dims::{self, DimExpr, DimOp};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use sinew_ir::{DType, Dim, Symbol};

/// The marker of an element type.
pub fn element(dtype: DType, library: &TokenStream) -> TokenStream {
    match dtype {
        DType::Float => quote!(#library::__private::Float),
        DType::F32 => quote!(::core::primitive::f32),
        DType::F64 => quote!(::core::primitive::f64),
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
pub fn dim(dim: &DimExpr, name: &dyn Fn(&syn::Path) -> TokenStream) -> TokenStream {
    match dim {
        DimExpr::Integer(value, _) => {
            let value = proc_macro2::Literal::i128_suffixed(i128::from(*value));
            quote!(#value)
        }
        DimExpr::Name(path) => name(path),
        DimExpr::Binary(left, op, right, _) => {
            let (left, right) = (self::dim(left, name), self::dim(right, name));
            match op {
                DimOp::Add => quote!((#left).saturating_add(#right)),
                DimOp::Sub => quote!((#left).saturating_sub(#right)),
                DimOp::Mul => quote!((#left).saturating_mul(#right)),
                DimOp::Div => quote!((match (#left).checked_div_euclid(#right) {
                    ::core::option::Option::Some(__sinew_quotient) => __sinew_quotient,
                    ::core::option::Option::None => -1i128,
                })),
            }
        }
    }
}

/// A dim in normal form likewise; `None` for one that does not read back.
pub fn normal_dim(
    normal: &Dim,
    value: &dyn Fn(&Symbol) -> Option<TokenStream>,
) -> Option<TokenStream> {
    let (expr, symbols) = dims::of_normal(normal)?;
    let values: Vec<TokenStream> = symbols.iter().map(value).collect::<Option<_>>()?;
    Some(dim(&expr, &|path| {
        let value = dims::position(path).and_then(|i| values.get(i));
        value.cloned().unwrap_or_default()
    }))
}

/// A Rust const of type usize as i128: another type is rustc's error at the const's name.
pub fn const_value(value: &TokenStream) -> TokenStream {
    quote!({
        let __sinew_value: ::core::primitive::usize = #value;
        __sinew_value as ::core::primitive::i128
    })
}

/// The attributes that lints need on emitted items.
pub fn quiet() -> TokenStream {
    quote!(#[allow(dead_code, non_camel_case_types, non_upper_case_globals, non_snake_case, unused_qualifications, clippy::all, clippy::pedantic)])
}

/// Docs that stand in front of what the user wrote or in its place.
pub fn doc(text: &str) -> TokenStream {
    quote!(#[doc = #text])
}

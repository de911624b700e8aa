//! About types and dims as they are written.

use super::{Message, dim, error, error_at, message, source, structure, suggestion};
use crate::names::LAYERS;
use crate::operations;
use crate::parse::StructType;
use crate::signature::Struct;
use proc_macro2::Span;
use quote::ToTokens;
use sinew_ir::{DType, Dim, Symbol, SymbolKind, Type};
use syn::Error;

pub fn not_a_type(ty: &impl ToTokens) -> Error {
    error(
        ty,
        "types",
        "no type of the language",
        "write `Tensor<B, 64>`, `Tensor<i32, B>`, `&Digits` or a tuple of tensors",
    )
}

/// A type of a host array where that of a tensor stands; how one is written there.
pub fn array_type(ty: &syn::Type, name: &str, written: &str) -> Error {
    error(
        ty,
        "types",
        &format!(
            "`{name}` is what a call from Rust gives, and `Tensor<..>` what it is in the language"
        ),
        &format!("write the tensor with its dims: `{written}`"),
    )
}

/// A leaf's type where a parameter's type stands.
pub fn leaf_parameter(path: &syn::Path) -> Error {
    error(
        path,
        "types",
        "what a struct holds is passed as a tensor",
        "write `Tensor<..>` with the dims of the field, and pass the field: `f(m.w, x)`",
    )
}

/// `Option<..>`, `Result<..>`, `Vec<..>` and the like.
pub fn rust_generic(path: &syn::Path, name: &str) -> Error {
    let help = match name {
        "Option" | "Result" => {
            "write `Tensor<..>` alone: nothing in a model function is missing or fails"
        }
        "Vec" => {
            "write one parameter for each tensor, or one tensor with an axis more; `stack([a, b], 0)` makes one"
        }
        _ => "write what is in it alone",
    };
    error(
        path,
        "types",
        &format!("`{name}` is a type of Rust's, and none of the language"),
        help,
    )
}

pub fn mutable_reference(token: &syn::Token![mut]) -> Error {
    error(
        token,
        "types",
        "nothing is borrowed mutably",
        "write `&`: a function returns what it computes",
    )
}

pub fn tensor_reference(ty: &syn::Type) -> Error {
    error(
        ty,
        "types",
        "tensors are values: they are never borrowed",
        "leave the `&` out",
    )
}

pub fn struct_by_value(ty: &impl ToTokens) -> Error {
    error(
        ty,
        "types",
        "structs are borrowed",
        &format!("write `&{}`", source(ty)),
    )
}

pub fn struct_in_group(path: &syn::Path) -> Error {
    error(
        path,
        "types",
        "a parameter that is a tuple or an array is one of tensors",
        &format!(
            "take each struct as a parameter of its own: `m: &{}`",
            source(path)
        ),
    )
}

pub fn group_size(ty: &impl ToTokens, most: usize) -> Error {
    error(
        ty,
        "types",
        &format!("a parameter has from 1 to {most} tensors in it"),
        "tensors of one shape are one with an axis more: `Tensor<N, B, 8>`",
    )
}

pub fn array_length(length: &impl ToTokens, most: usize) -> Error {
    error(
        length,
        "types",
        &format!("an array of tensors has a length from 1 to {most}, written as a number"),
        "any number of tensors are one with an axis more: `Tensor<N, B, 8>`",
    )
}

pub fn array_result(ty: &impl ToTokens) -> Error {
    error(
        ty,
        "types",
        "a function returns a tensor or a tuple of tensors, not an array",
        "write `-> (Tensor<B>, Tensor<B>)`, or join them: `stack([a, b], 0)`",
    )
}

pub fn plain_number_type(ty: &syn::Ident) -> Error {
    let help = match element(&ty.to_string()) {
        Some(DType::F32 | DType::F64) => {
            "write `Tensor`: a scalar of the working float, which mixes with the others".to_string()
        }
        Some(_) => format!("write `Tensor<{ty}>` for a scalar"),
        None if ty == "usize" => {
            "a size is a symbol, which the types tell: `fn f<N>(x: Tensor<N>)`; a number is \
                                  `Tensor<i32>`"
                .to_string()
        }
        None => "the types are `Tensor<..>` and model structs".to_string(),
    };
    error(
        ty,
        "types",
        &format!("`{ty}` is no type of the language"),
        &help,
    )
}

fn element(name: &str) -> Option<DType> {
    crate::parse::types::element_type(name)
}

pub fn element_type(ty: &impl ToTokens, first: bool) -> Error {
    let name = source(ty);
    if !first {
        return error(
            ty,
            "types",
            &format!("`{name}` stands among the dims"),
            "the element type comes first: `Tensor<i32, B>`",
        );
    }
    if name == "float" {
        return error(
            ty,
            "types",
            "the working float has no name in a type",
            "leave it out: `Tensor<B>`; where an operation takes an element type it is `float`",
        );
    }
    let help = match name.as_str() {
        "i8" | "i16" | "i64" | "isize" | "u8" | "u16" | "u64" | "usize" => {
            "write `i32`: arrays of all integers are taken for it, and each number is checked"
        }
        _ => {
            "element types are `f32`, `f64`, `f16`, `bf16`, `i32`, `u32` and `bool`; without one it is the working float"
        }
    };
    error(ty, "types", &format!("`{name}` is no element type"), help)
}

pub fn not_a_dim(tokens: &impl ToTokens) -> Error {
    error(
        tokens,
        "dims",
        "this is no dim",
        "a dim is a literal, a symbol, a Rust const, or `+ - * /` of these in braces: `{H * D}`",
    )
}

/// `self.heads` in a dim or a relation.
pub fn setting_as_a_dim(at: &syn::ExprField) -> Error {
    let written = super::source(at);
    error(
        at,
        "dims",
        &format!("`{written}` is a field, and dims are of symbols, Rust consts and integers"),
        "a symbol is configuration too: `struct Attention<D, Heads>`; a body asks for a field by `if`",
    )
}

pub fn inferred_dim(at: &impl ToTokens) -> Error {
    error(
        at,
        "dims",
        "`_` is no dim: what a function takes and gives is declared",
        "declare a symbol for it: `fn f<N>(x: Tensor<N>)`; `-1` in `reshape` and `expand` is inferred",
    )
}

pub fn remainder_of_a_dim(at: &syn::Token![%]) -> Error {
    error(
        at,
        "dims",
        "`%` is not in the language of dims",
        "a dim that divides says so by its form: `Tensor<{2 * M}>` with a symbol `M` is even",
    )
}

pub fn not_a_size(at: &impl ToTokens, what: &str) -> Error {
    error(
        at,
        "dims",
        &format!("a size is needed here, and this is {what}"),
        "sizes are symbols, Rust consts, integers, and `let`s of these",
    )
}

pub fn dim_arithmetic(span: Span) -> Error {
    error_at(
        span,
        "dims",
        "this dim does not fit 64 bits, or is too large multiplied out",
        "write a smaller one; a product of sums has a term for each choice of theirs",
    )
}

/// A division of dims that is none.
pub fn dim_division(span: Span, divisor: &Dim) -> Error {
    match divisor.as_constant() {
        Some(0) => error_at(
            span,
            "dims",
            "this dim divides by zero",
            "divisors are at least 1",
        ),
        _ => error_at(
            span,
            "dims",
            "this dim nests too many divisions, or is too large multiplied out",
            "divide once, by the product: `{N / (K * K)}`",
        ),
    }
}

pub fn negative_dim(span: Span, value: &Dim) -> Error {
    error_at(
        span,
        "dims",
        &format!("this dim is {value}, and an extent is never negative"),
        "check the sides of the subtraction",
    )
}

pub fn unknown_symbol(name: &syn::Ident, symbols: &[(Symbol, SymbolKind)]) -> Error {
    let known: Vec<String> = symbols.iter().map(|(s, _)| s.name().to_string()).collect();
    let help = format!(
        "declare it in `<..>`; {}",
        suggestion(&name.to_string(), &known, "symbols declared here")
    );
    error(name, "symbols", &format!("`{name}` is not declared"), &help)
}

pub fn sequence_not_first(tokens: &impl ToTokens) -> Error {
    error(
        tokens,
        "dims",
        "a sequence of dims stands in front of all others",
        "write `Tensor<[S], H, D>`",
    )
}

pub fn sequence_name(tokens: &impl ToTokens) -> Error {
    error(
        tokens,
        "dims",
        "a sequence of dims is one symbol in brackets",
        "write `[S]`, with `S` declared in `<..>`",
    )
}

pub fn sequence_as_dim(name: &syn::Ident) -> Error {
    error(
        name,
        "dims",
        &format!("`{name}` is a sequence of dims (it stands in brackets elsewhere), not a dim"),
        &format!("write `[{name}]`, or use another symbol here"),
    )
}

pub fn size_as_sequence(name: &syn::Ident) -> Error {
    error(
        name,
        "dims",
        &format!("`{name}` is one dim, not a sequence of dims"),
        &format!("leave the brackets out: `{name}`"),
    )
}

pub fn two_sequences(name: &syn::Ident) -> Error {
    error(
        name,
        "dims",
        "a function has one sequence of dims",
        "use one symbol for both if they are the same, or name the dims of one",
    )
}

pub fn struct_dims(written: &StructType, s: &Struct) -> Error {
    let symbols: Vec<String> = s.symbols.iter().map(|s| s.name().to_string()).collect();
    let declared = match symbols.is_empty() {
        true => s.name.clone(),
        false => format!("{}<{}>", s.name, symbols.join(", ")),
    };
    let path = &written.path;
    message(
        path,
        "types",
        &format!(
            "`{}` takes {}, and has {} here",
            s.name,
            count(symbols.len(), "dim"),
            written.dims.len()
        ),
        &[("declared", format!("{declared} at {}", s.at))],
        &format!("write `{declared}` with a dim for each symbol"),
    )
    .into_error()
}

/// `1 dim`, `3 dims`.
pub fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

pub fn leaf_type(path: &syn::Path, dtype: DType) -> Error {
    let help = match dtype.is_half() {
        false => "leave the element type out: parameters are of the working float".to_string(),
        true => format!(
            "leave it out: parameters are of the working float, and cast where they are used: `self.w.cast({dtype})`"
        ),
    };
    error(
        path,
        "struct",
        &format!("a parameter or state cannot have elements of type `{dtype}`"),
        &help,
    )
}

pub fn let_type(expr: &syn::Expr, found: &Type, declared: &Type) -> Message {
    message(
        expr,
        "let",
        "the value has another type than the one declared",
        &[
            ("declared", super::tensor(declared)),
            ("found", super::tensor(found)),
        ],
        "change the type, or leave it out: it is known",
    )
}

pub fn let_annotation(ty: &syn::Type) -> Error {
    error(
        ty,
        "let",
        "a `let` declares tensor types only",
        "leave the type out: it is known",
    )
}

/// `part` says which of how many results it is.
pub fn result(
    at: &impl ToTokens,
    function: &str,
    part: Option<(usize, usize)>,
    found: &Type,
    declared: &Type,
) -> Message {
    let wrong = if found.dtype != declared.dtype {
        format!(
            "`{function}` returns {}, and its value is {}",
            super::word(declared.dtype),
            super::word(found.dtype)
        )
    } else if found.shape.dims.len() != declared.shape.dims.len() {
        let dims = |t: &Type| match t.shape.dims.len() {
            0 if t.shape.sequence.is_none() => "a scalar".to_string(),
            n => count(n, "dim"),
        };
        let part = match part {
            Some((i, all)) => format!(" as part {} of {all}", i + 1),
            None => String::new(),
        };
        format!(
            "`{function}` returns {}{part}, and its value has {}",
            dims(declared),
            dims(found).replace("a scalar", "none: a scalar")
        )
    } else {
        let mut pairs = found.shape.dims.iter().zip(&declared.shape.dims);
        match pairs.find(|(a, b)| a != b) {
            Some((a, b)) => format!(
                "`{function}` returns `{}` where its value has `{}`",
                dim(b),
                dim(a)
            ),
            None => format!("`{function}` returns another shape than its value has"),
        }
    };
    message(
        at,
        "return",
        &wrong,
        &[
            ("declared", super::tensor(declared)),
            ("found", super::tensor(found)),
        ],
        "change the declared type, or what the function ends in",
    )
}

pub fn struct_mismatch(
    at: &impl ToTokens,
    expected: &Struct,
    found: &Struct,
    what: &str,
) -> Message {
    let facts = [
        (
            "expected",
            format!("{} (declared at {})", structure(expected, &[]), expected.at),
        ),
        (
            "found",
            format!("{} (declared at {})", structure(found, &[]), found.at),
        ),
    ];
    message(
        at,
        "call",
        what,
        &facts,
        "pass a struct of the declared type",
    )
}

pub fn many_leaves(name: &syn::Ident, most: usize) -> Error {
    error(
        name,
        "struct",
        &format!(
            "`{name}` has more than {most} parameters and states, those of its children included"
        ),
        "make one parameter of many that are alike: an axis more has them all",
    )
}

pub fn self_type(path: &syn::Path) -> Error {
    error(
        path,
        "types",
        "`Self` is the struct of a `#[model] impl`, at its dims",
        "write the struct's name and dims",
    )
}

/// A size of a struct's own as the type of a field.
pub fn size_as_a_type(path: &syn::Path) -> Error {
    error(
        path,
        "types",
        &format!("`{}` is a size of this struct, and no type", source(path)),
        "what stands in `<..>` are names of sizes: `Param<H>` has one; a field has a type that is known",
    )
}

/// The type of a field that nothing is called.
pub fn type_nowhere(path: &syn::Path, known: &[String]) -> Error {
    let name = crate::signature::last(path);
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && snake.ends_with(char::is_lowercase) {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    let names = [snake.as_str(), &name.to_lowercase()].map(|name| {
        let long = name.len() > 1;
        operations::find(name).filter(|_| long)
    });
    let mut known = known.to_vec();
    known.push("Linear".to_string());
    let layers: Vec<String> = LAYERS.iter().map(ToString::to_string).collect();
    let near = suggestion(&name, &[known.as_slice(), &layers].concat(), "");
    let help = match names.into_iter().flatten().next() {
        _ if layers.contains(&name) => {
            format!("it is a layer of the library: `use sinew::nn::{name};` brings it")
        }
        Some(op) => format!(
            "that is an operation, and holds nothing: leave the field out, and write {} in the function",
            op.usage()
        ),
        None if known.contains(&name) => format!("write `{name}`"),
        None if near.starts_with("did you mean") => near,
        None => {
            let list = suggestion(&name, &known, "model structs here");
            format!("a layer of your own is a struct with `#[model]`; {list}")
        }
    };
    let what = match path.segments.len() {
        1 => format!("no struct is called `{name}` here"),
        _ => format!(
            "`{}` leads nowhere",
            source(&crate::parse::types::bare(path))
        ),
    };
    error(path, "types", &what, &help)
}

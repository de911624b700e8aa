//! About items: what `#[model]` stands on, and their parts that are plain Rust.

use super::{error, error_at, source};
use crate::signature::Struct;
use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

pub fn too_deep(span: Span) -> Error {
    error_at(
        span,
        "nesting",
        "this item nests deeper than is read",
        "split it up: name parts with `let`, or move them to functions",
    )
}

pub fn wrong_item(item: &syn::Item) -> Error {
    let (what, at) = match item {
        syn::Item::Mod(m) => ("a module in a file of its own", m.ident.to_token_stream()),
        syn::Item::Trait(t) => ("a trait", t.ident.to_token_stream()),
        syn::Item::Type(t) => ("a type alias", t.ident.to_token_stream()),
        syn::Item::Union(u) => ("a union", u.ident.to_token_stream()),
        syn::Item::Const(c) => ("a const", c.ident.to_token_stream()),
        syn::Item::Static(s) => ("a static", s.ident.to_token_stream()),
        syn::Item::Use(u) => ("an import", u.tree.to_token_stream()),
        syn::Item::Macro(m) => ("a macro", m.mac.path.to_token_stream()),
        other => ("this item", other.to_token_stream()),
    };
    let help = match item {
        syn::Item::Const(_) | syn::Item::Static(_) | syn::Item::Use(_) => {
            "leave it out: model functions and structs name what Rust names here"
        }
        _ => HELP,
    };
    const HELP: &str = "it goes on a `fn`, a `struct` with named fields, an `enum` without fields, an `impl` of one of these, or an inline `mod { .. }`";
    error(
        &at,
        "model",
        &format!("`#[model]` does not work on {what}"),
        help,
    )
}

pub fn trait_impl(path: &syn::Path, of: &syn::Type) -> Error {
    error(
        path,
        "model",
        "`#[model]` does not work on the implementation of a trait",
        &format!(
            "model functions stand in `#[model] impl {} {{ .. }}`, with `#[model(methods)]` on the struct; what is plain Rust needs no `#[model]`",
            source(of)
        ),
    )
}

pub fn impl_of(ty: &syn::Type) -> Error {
    error(
        ty,
        "model",
        "`#[model] impl` is for a model struct",
        "write `impl<I, O> Linear<I, O> { .. }`",
    )
}

pub fn impl_elsewhere(path: &syn::Path) -> Error {
    error(
        path,
        "model",
        "a `#[model] impl` stands in the module of its struct: its methods are found beside it",
        "move it there",
    )
}

pub fn impl_part(part: &syn::ImplItem) -> Error {
    error(
        part,
        "model",
        "only functions stand in a `#[model] impl`",
        "move this to a plain `impl` block",
    )
}

/// A size in the type of an impl block that nothing declares, with all of those there.
pub fn undeclared_by_the_impl(
    at: &syn::Ident,
    all: &[&syn::Ident],
    owner: &crate::parse::StructType,
) -> Error {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    let owner = crate::emit::structure::struct_text(owner);
    error(
        at,
        "symbols",
        &format!("nothing is called `{at}` here: an impl declares the sizes of its struct"),
        &format!("write `impl<{}> {owner} {{ .. }}`", all.join(", ")),
    )
}

pub fn impl_symbol(symbol: &syn::Ident, path: &syn::Path) -> Error {
    error(
        symbol,
        "model",
        &format!("`{symbol}` is not a dim of `{}` here", source(path)),
        "declare it on the method that uses it",
    )
}

pub fn no_methods_marker(path: &syn::Path, s: &Struct) -> Error {
    error(
        path,
        "methods",
        &format!(
            "`{}` (declared at {}) is not marked as having methods",
            s.name, s.at
        ),
        "write `#[model(methods)]` on the struct, or put struct and impl into one `#[model] mod`",
    )
}

/// A second type of a name in its module; the other is in that line of the file.
pub fn type_twice(name: &syn::Ident, other: usize) -> Error {
    error(
        name,
        "model",
        &format!("there is a `{name}` in this module already, at line {other}"),
        "give one of them another name, or a module of its own",
    )
}

/// A second `#[model] impl` of a type; the other is in that line of the file.
pub fn second_impl(of: &syn::Type, other: usize) -> Error {
    error(
        of,
        "methods",
        &format!(
            "this is a second `#[model] impl` of `{}`: all of its methods stand in one",
            source(of)
        ),
        &format!(
            "move these to the first, at line {other}; functions that are no model functions stand in a plain `impl`"
        ),
    )
}

pub fn misplaced_option(at: &impl ToTokens, word: &str, item: &str) -> Error {
    let (place, help) = match word {
        "methods" => (
            "says that a `#[model] impl` of a struct follows",
            "write `#[model(methods)]` on the struct",
        ),
        "pub" => (
            "says how far the methods of a `#[model] impl` are seen",
            "write it in front of the item itself: `pub fn`, `pub struct`",
        ),
        "where" => (
            "is what functions and methods assume of their dims",
            "write `#[model(where(..))]` on each `fn`, or on an `impl` for all of its methods",
        ),
        "no_derivative" => (
            "says of a function or a method that it is never differentiated",
            "write `#[model(no_derivative)]` on each `fn`",
        ),
        "allow" => (
            "silences warnings about bodies",
            "write it on a `fn`, an `impl` or a `mod`",
        ),
        "vjp" => (
            "names the derivative of a function that takes tensors",
            "write `#[model(vjp = my_rule)]` on a `fn`, and call that in the method",
        ),
        _ => ("says where the library is", "write it on the whole item"),
    };
    error(
        at,
        "model",
        &format!("`{word}` {place}, and this is {item}"),
        help,
    )
}

pub fn option_twice(at: &impl ToTokens, word: &str) -> Error {
    error(
        at,
        "model",
        &format!("`{word}` is there twice"),
        "leave one out",
    )
}

pub fn unknown_option(name: &syn::Ident) -> Error {
    error(
        name,
        "model",
        &format!("`{name}` is no option of `#[model]`"),
        match name.to_string().starts_with("method") {
            true => "write `#[model(methods)]`",
            false => {
                "the options are `methods`, `pub`, `where(..)`, `allow(..)`, `no_derivative`, `vjp = path` and `crate = path`"
            }
        },
    )
}

/// `where(mask, a, b)`, as NumPy and PyTorch call it.
pub fn selection_by_keyword(word: &syn::Ident) -> Error {
    error(
        word,
        "call",
        "`where` is a word of Rust's own",
        "the operation is `where_(condition, a, b)`",
    )
}

/// `x @ w`, as Python has it.
pub fn product_by_sign(sign: &proc_macro2::Punct) -> Error {
    error(
        sign,
        "call",
        "`@` is no operator of Rust's",
        "the product is `matmul(x, w)`",
    )
}

/// `where C == H * D`, of which Rust's own clause has no parentheses.
pub fn where_without_parentheses(word: &syn::Ident, rest: &impl ToTokens) -> Error {
    error(
        word,
        "where",
        "relations stand in parentheses",
        &format!("write `where({})`", super::source(rest)),
    )
}

pub fn not_a_relation(expr: &impl ToTokens) -> Error {
    error(
        expr,
        "where",
        "this is no relation between dims",
        "write `E == H * D` or `T <= 1024`, with `==`, `<=`, `<`, `>=` or `>`",
    )
}

pub fn inner_cfg(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "model",
        "`cfg` inside a model item is not evaluated before the macro sees it",
        "put `#[cfg(..)]` on the whole item, and write the item twice",
    )
}

pub fn inner_attribute(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "model",
        &format!(
            "`{}` has no meaning inside a model item",
            source(attribute.path())
        ),
        "leave it out; `allow`, `expect` and other lint levels may stay",
    )
}

pub fn std_macro_name(name: &syn::Ident) -> Error {
    error(
        name,
        "model",
        &format!(
            "a model function cannot be called `{name}`: it would hide Rust's own `{name}` where it is imported"
        ),
        "choose another name",
    )
}

pub fn fn_keyword(token: &impl ToTokens, keyword: &str) -> Error {
    error(
        token,
        "fn",
        &format!("a model function is never `{keyword}`"),
        "leave it out",
    )
}

pub fn receiver_outside(receiver: &syn::Receiver) -> Error {
    error(
        receiver,
        "fn",
        "`self` outside an `impl` block",
        "write `m: &Type`, or move the function into `#[model] impl Type { .. }`",
    )
}

pub fn receiver(receiver: &syn::Receiver) -> Error {
    error(receiver, "fn", "a method takes `&self`", "write `&self`")
}

pub fn mutable_parameter(token: &syn::Token![mut]) -> Error {
    error(
        token,
        "fn",
        "parameters are never `mut`",
        "shadow it: `let x = ..;`",
    )
}

pub fn parameter_pattern(pattern: &syn::Pat) -> Error {
    error(
        pattern,
        "fn",
        "a parameter is a name, or a tuple or an array of names",
        "name it, and take it apart in the body: `let (a, b) = ..;`",
    )
}

pub fn parameter_names(pattern: &syn::Pat) -> Error {
    error(
        pattern,
        "fn",
        "these names are not as many as the parts of the type, or not nested as they are",
        "write `(h, c): (Tensor<B>, Tensor<B>)`, `[a, b]: [Tensor<B>; 2]`",
    )
}

pub fn parameter_twice(name: &syn::Ident) -> Error {
    error(
        name,
        "fn",
        &format!("there are two parameters `{name}`"),
        "rename one",
    )
}

pub fn no_result(name: &syn::Ident) -> Error {
    error(
        name,
        "fn",
        &format!("`{name}` returns nothing"),
        "declare what it returns: `-> Tensor<B, 10>`; `-> Tensor` is a scalar",
    )
}

pub fn struct_result(path: &syn::Path) -> Error {
    error(
        path,
        "fn",
        "a model function returns tensors",
        "return `Tensor<..>`, or a tuple of them",
    )
}

pub fn empty_result(ty: &syn::Type) -> Error {
    error(
        ty,
        "fn",
        "a model function returns at least one tensor",
        "declare what it returns: `-> Tensor<B, 10>`; `-> Tensor` is a scalar",
    )
}

pub fn many_results(ty: &syn::Type, found: usize, most: usize) -> Error {
    error(
        ty,
        "fn",
        &format!("a model function returns {most} tensors at most, and this one {found}"),
        "`stack` or `concat` some of them, or split the function",
    )
}

pub fn nested_results(ty: &syn::Type) -> Error {
    error(
        ty,
        "fn",
        "results are one flat tuple of tensors",
        "leave the inner parentheses out: `(Tensor, Tensor, Tensor)`",
    )
}

pub fn rust_where(clause: &syn::WhereClause) -> Error {
    error(
        clause,
        "where",
        "dims have no trait bounds",
        "relations between dims stand in the attribute: `#[model(where(E == H * D))]`",
    )
}

pub fn generic_parameter(param: &syn::GenericParam) -> Error {
    let help = match param {
        syn::GenericParam::Lifetime(_) => "leave lifetimes out: `m: &Digits`",
        syn::GenericParam::Const(_) => "write the name alone: `<N>` stands for any size",
        syn::GenericParam::Type(_) => {
            "write the name alone: `<B, H>`; relations stand in `#[model(where(..))]`"
        }
    };
    error(
        param,
        "symbols",
        "what stands in `<..>` are names of sizes",
        help,
    )
}

pub fn symbol_twice(name: &syn::Ident) -> Error {
    error(
        name,
        "symbols",
        &format!("`{name}` is declared twice"),
        "rename one",
    )
}

pub fn not_by_hand() -> Error {
    error_at(
        Span::call_site(),
        "finish",
        "this macro is the library's own",
        "use `#[model]`",
    )
}

pub fn unexplained(span: Span) -> Error {
    error_at(
        span,
        "model",
        "this function could not be compiled, and no reason was found",
        "this is a mistake in Sinew: please report the function",
    )
}

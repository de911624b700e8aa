//! About items: what `#[model]` stands on, and their parts that are plain Rust.

use super::{Message, error, error_at, message, source, suggestion};
use crate::parse::structure::SettingType;
use crate::signature::Struct;
use proc_macro2::Span;
use quote::ToTokens;
use sinew_ir::Dim;
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

pub fn tuple_struct(name: &syn::Ident, fields: &syn::Fields) -> Error {
    match fields.is_empty() {
        true => error(
            name,
            "struct",
            "a model struct has named fields",
            &format!("write `struct {name} {{}}`"),
        ),
        false => error(
            fields,
            "struct",
            "a model struct has named fields",
            &format!("write `struct {name} {{ first: .., second: .. }}`"),
        ),
    }
}

/// A struct that is called like what stands for a tensor.
pub fn word_of_the_language(name: &syn::Ident) -> Error {
    error(
        name,
        "struct",
        &format!("`{name}` is a word of the language, which stands for tensors"),
        "give the struct another name",
    )
}

pub fn field_twice(name: &syn::Ident) -> Error {
    error(
        name,
        "struct",
        &format!("there are two fields `{name}`"),
        "rename one",
    )
}

/// `derive(Default)` on what is made from a seed.
pub fn derive_default(at: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        at,
        "struct",
        "parameters are drawn from a seed, so a model has no `Default`",
        &format!("leave it out, and write `{name}::init(0)`"),
    )
}

/// `#[derive(..)]` in front of `#[model]`.
pub fn derive_above(span: Span) -> Error {
    error_at(
        span,
        "model",
        "what is derived above does not see the struct that `#[model]` makes",
        "put `#[model]` in front of `#[derive(..)]`",
    )
}

pub fn not_a_field_type(ty: &syn::Type) -> Error {
    error(
        ty,
        "struct",
        "no field has this type",
        "fields are `Param<..>`, `State<..>` or other model structs: `Linear<64, 10>`",
    )
}

pub fn tensor_field(ty: &syn::Type) -> Error {
    error(
        ty,
        "struct",
        "a field is no `Tensor`",
        "write `Param<..>` for what is trained and `State<..>` for what is not",
    )
}

pub fn list_of_children(ty: &impl ToTokens) -> Error {
    error(
        ty,
        "struct",
        "a model has a number of children that its sizes tell",
        "repeat a child: `blocks: [Block<D>; Layers]`",
    )
}

pub fn repeated_leaf(ty: &syn::Type) -> Error {
    error(
        ty,
        "struct",
        "children are repeated, a `Param` or `State` is not",
        "give it a dim more in front: `Param<Layers, D>`",
    )
}

pub fn config_field(ty: &impl ToTokens, name: &syn::Ident) -> Error {
    error(
        ty,
        "struct",
        &format!("`{name}: {}` is no configuration", source(ty)),
        "configuration is `f32` or `f64`, `usize`, or `bool`",
    )
}

pub fn repeated_setting(ty: &syn::Type) -> Error {
    error(
        ty,
        "struct",
        "configuration is one value, and no array",
        "give each value a field of its own",
    )
}

pub fn default_twice(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "struct",
        "a field has one `#[default(..)]`",
        "remove this one",
    )
}

pub fn default_of_no_setting(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "struct",
        "only configuration has a `#[default(..)]`",
        "a parameter or a state starts as `#[init(..)]` says",
    )
}

pub fn bad_default(attribute: &syn::Attribute, ty: SettingType) -> Error {
    let (what, example) = match ty {
        SettingType::F32 | SettingType::F64 => ("a number", "0.1"),
        SettingType::Usize => ("an integer", "4"),
        SettingType::Bool => ("`true` or `false`", "true"),
    };
    error(
        attribute,
        "struct",
        &format!("the default of this field is {what}"),
        &format!("write `#[default({example})]`"),
    )
}

pub fn child_setting(at: &impl ToTokens, child: &Struct, field: &str, ty: &str) -> Error {
    error(
        at,
        "struct",
        &format!("nothing says what `{field}` of this `{}` is", child.name),
        &format!(
            "declare `{field}: {ty}` beside it, or give the field a `#[default(..)]` in `{}`",
            child.name
        ),
    )
}

pub fn no_init(name: &syn::Ident) -> Error {
    error(
        name,
        "init",
        &format!("how does `{name}` start?"),
        "say it in front of the field: `#[init(kaiming_uniform)]`, `#[init(zeros)]`, `#[init(normal(0.02))]`",
    )
}

pub fn init_twice(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "init",
        "the field has two initialisers",
        "leave one out",
    )
}

pub fn init_on_child(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "init",
        "a child starts as its own fields say",
        "put `#[init(..)]` on the fields of its struct",
    )
}

pub fn bad_init(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "init",
        "this is no initialiser",
        "write a name with its literal numbers: `#[init(zeros)]`, `#[init(normal(0.02))]`, `#[init(uniform(-0.1, 0.1))]`",
    )
}

pub fn init_numbers(name: &syn::Ident, wanted: &[usize]) -> Error {
    let (takes, help) = match wanted {
        [0] => ("no number", format!("write `#[init({name})]`")),
        [1, 2] => (
            "one number, the bound on both sides, or both bounds",
            format!("write `#[init({name}(0.1))]` or `#[init({name}(-0.1, 0.1))]`"),
        ),
        _ if name == "normal" => (
            "one number, the deviation from 0",
            format!("write `#[init({name}(0.02))]`"),
        ),
        _ => ("one number", format!("write `#[init({name}(1.0))]`")),
    };
    error(name, "init", &format!("`{name}` takes {takes}"), &help)
}

pub fn unknown_init(name: &syn::Ident) -> Error {
    let known = [
        "zeros",
        "ones",
        "constant",
        "normal",
        "uniform",
        "kaiming_uniform",
        "kaiming_normal",
        "xavier_uniform",
        "xavier_normal",
    ];
    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
    error(
        name,
        "init",
        &format!("no initialiser is called `{name}`"),
        &suggestion(&name.to_string(), &known, "initialisers"),
    )
}

pub fn struct_in_itself(path: &syn::Path) -> Error {
    error(
        path,
        "struct",
        &format!(
            "`{}` holds itself, and so on without end",
            super::source(path)
        ),
        "hold what it is made of; `[Block<D>; Layers]` repeats a child",
    )
}

/// An initialiser that asks how many inputs an output has, of what has no such.
pub fn init_rank(initialiser: &syn::Ident, field: &syn::Ident, dims: usize) -> Error {
    error(
        initialiser,
        "init",
        &format!(
            "`{initialiser}` counts the inputs of an output, and `{field}` has {}",
            super::count(dims, "dim")
        ),
        "say what it starts as: `zeros`, `ones`, `normal(0.02)` or `uniform(-0.1, 0.1)`",
    )
}

pub fn extent(at: &impl ToTokens, path: &str, declared: &Dim, dim: &Dim) -> Message {
    let here = match dim.as_constant() {
        Some(value) => format!("`{}` of `{path}` is {value}", super::dim(declared)),
        None => format!("`{}` of `{path}` is negative", super::dim(dim)),
    };
    message(
        at,
        "struct",
        &format!("{here}, and an extent is never negative"),
        &[],
        "check the sides of the subtraction",
    )
}

pub fn divisor(at: &impl ToTokens, path: &str, divisor: &Dim) -> Message {
    message(
        at,
        "struct",
        &format!("a dim of `{path}` divides by `{}`", super::dim(divisor)),
        &[],
        "divisors are at least 1",
    )
}

pub fn great_extent(at: &impl ToTokens, path: &str, dim: &Dim) -> Message {
    message(
        at,
        "struct",
        &format!("`{}` of `{path}` does not fit 64 bits", super::dim(dim)),
        &[],
        "write a smaller one",
    )
}

pub fn sequence_in_leaf(symbol: &syn::Ident) -> Error {
    error(
        symbol,
        "struct",
        "a leaf has a fixed number of dims",
        "sequences (`[S]`) are for the arguments of functions",
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

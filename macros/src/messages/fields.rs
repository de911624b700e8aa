//! About structs and their fields: what these hold, what they begin with, what extents they have.

use super::{Message, error, error_at, message, source, suggestion};
use crate::parse::structure::SettingType;
use crate::signature::Struct;
use proc_macro2::Span;
use quote::ToTokens;
use sinew_ir::Dim;
use syn::Error;

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

/// An initialiser whose bound follows from a number of inputs, without one.
pub fn init_inputs(name: &syn::Ident) -> Error {
    error(
        name,
        "init",
        &format!("`{name}` takes one dim, how many inputs an output has"),
        &format!("write `#[init({name}(I))]` with the dim of the weights that is summed over"),
    )
}

pub fn unknown_init(name: &syn::Ident) -> Error {
    let known = [
        "zeros",
        "ones",
        "constant",
        "normal",
        "uniform",
        "fan_in_uniform",
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

pub fn pytorch_twice(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "pytorch",
        "PyTorch has one name for a field",
        "remove this one",
    )
}

pub fn no_pytorch_name(attribute: &syn::Attribute) -> Error {
    error(
        attribute,
        "pytorch",
        "what PyTorch calls a field is a string",
        "write `#[pytorch(\"weight\")]`, or `#[pytorch(\"weight\", transposed)]` for a matrix that lies the other way round there",
    )
}

pub fn pytorch_word(at: &impl ToTokens) -> Error {
    error(
        at,
        "pytorch",
        &format!("`{}` says nothing about a tensor of PyTorch's", source(at)),
        "behind the name stands `transposed` or nothing",
    )
}

pub fn pytorch_leaf(text: &syn::LitStr) -> Error {
    error(
        text,
        "pytorch",
        "a leaf's name is a text without braces",
        "write it as it stands in the file behind the names of the structs around it: `#[pytorch(\"weight\")]`",
    )
}

pub fn pytorch_child(text: &syn::LitStr, repeated: bool) -> Error {
    let (wrong, help) = match repeated {
        true => (
            "the name of repeated children has one `{}` for their leaves, one `{0..}` for their number, and no other braces",
            "`\"layers\"` is for `layers.0.weight`, `\"{}_l{1..}\"` for `weight_l1`, whose numbers count from 1",
        ),
        false => (
            "the name of a child has one `{}` for its leaves, and no other braces",
            "`\"encoder\"` is for `encoder.weight`, `\"{}_l0\"` for `weight_l0`",
        ),
    };
    error(text, "pytorch", wrong, help)
}

pub fn pytorch_transposed_rank(word: &impl ToTokens, field: &syn::Ident, dims: usize) -> Error {
    error(
        word,
        "pytorch",
        &format!(
            "two axes change places, and `{field}` has {}",
            super::count(dims, "dim")
        ),
        "leave `transposed` out",
    )
}

pub fn pytorch_transposed_child(word: &impl ToTokens) -> Error {
    error(
        word,
        "pytorch",
        "a child's leaves lie as its own fields say",
        "put `transposed` on the fields of its struct",
    )
}

pub fn pytorch_setting(attribute: &impl ToTokens) -> Error {
    error(
        attribute,
        "pytorch",
        "configuration is in no file of PyTorch's",
        "remove this; parameters, states and children have names there",
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

//! What PyTorch calls a field: `#[pytorch("weight", transposed)]`.

use super::structure::FieldKind;
use crate::messages;
use syn::punctuated::Punctuated;

/// What PyTorch calls a field in its files, and how it lies there.
pub struct PyTorchName {
    /// The attribute that says it; without one it is the field's own name.
    pub attribute: Option<syn::Attribute>,
    /// Of a leaf the name; of a child what stands in front of the names of its leaves. Of repeated children `{}` stands
    /// here or behind for the number of each.
    pub before: String,
    /// What stands behind the names of a child's leaves.
    pub after: String,
    /// The number of the first of repeated children.
    pub first: u32,
    /// Whether PyTorch has a leaf's last two axes the other way round.
    pub transposed: bool,
}

impl PyTorchName {
    /// The field's own name.
    pub fn of_field(name: &str, kind: &FieldKind) -> PyTorchName {
        let before = match kind {
            FieldKind::Child(_, None) => format!("{name}."),
            FieldKind::Child(_, Some(_)) => format!("{name}.{{}}."),
            FieldKind::Param(..) | FieldKind::State(..) | FieldKind::Setting(..) => name.into(),
        };
        PyTorchName {
            attribute: None,
            before,
            after: String::new(),
            first: 0,
            transposed: false,
        }
    }

    /// Reads the attribute of a field of that name and kind.
    pub fn read(
        attribute: syn::Attribute,
        field: &syn::Ident,
        kind: &FieldKind,
    ) -> syn::Result<PyTorchName> {
        let own = PyTorchName::of_field("", kind);
        match kind {
            FieldKind::Param(tensor, _) | FieldKind::State(tensor, _) => {
                let (text, transposed) = parts(&attribute)?;
                let name = text.value();
                if name.is_empty() || name.contains(['{', '}']) {
                    return Err(messages::pytorch_leaf(&text));
                }
                if let Some(word) = &transposed
                    && tensor.dims.len() < 2
                {
                    let dims = tensor.dims.len();
                    return Err(messages::pytorch_transposed_rank(word, field, dims));
                }
                Ok(PyTorchName {
                    attribute: Some(attribute),
                    before: name,
                    transposed: transposed.is_some(),
                    ..own
                })
            }
            FieldKind::Child(_, count) => {
                let (text, transposed) = parts(&attribute)?;
                if let Some(word) = transposed {
                    return Err(messages::pytorch_transposed_child(&word));
                }
                let repeated = count.is_some();
                let Some((before, after, first)) = around(&text.value(), repeated) else {
                    return Err(messages::pytorch_child(&text, repeated));
                };
                Ok(PyTorchName {
                    attribute: Some(attribute),
                    before,
                    after,
                    first,
                    ..own
                })
            }
            FieldKind::Setting(..) => Err(messages::pytorch_setting(&attribute)),
        }
    }
}

/// The name, and the word `transposed`.
fn parts(attribute: &syn::Attribute) -> syn::Result<(syn::LitStr, Option<syn::Path>)> {
    let no_name = || messages::no_pytorch_name(attribute);
    let list = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let list = attribute.parse_args_with(list).map_err(|_| no_name())?;
    let mut list = list.into_iter();
    let text = list.next().and_then(string).ok_or_else(no_name)?;
    let word = match list.next() {
        None => None,
        Some(syn::Expr::Path(word)) if word.path.is_ident("transposed") => Some(word.path),
        Some(other) => return Err(messages::pytorch_word(&other)),
    };
    match list.next() {
        None => Ok((text, word)),
        Some(more) => Err(messages::pytorch_word(&more)),
    }
}

/// A string, also one that a macro was given.
fn string(expr: syn::Expr) -> Option<syn::LitStr> {
    match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text),
        syn::Expr::Group(g) => string(*g.expr),
        _ => None,
    }
}

/// What stands in front of the names of a child's leaves and behind them, and the number of the first of repeated
/// children.
///
/// `{}` is where the leaves' names go, `{1..}` the number of a child, counted from 1. Both may be left out: `layers` is
/// `layers.{0..}.{}`.
fn around(text: &str, repeated: bool) -> Option<(String, String, u32)> {
    if text.is_empty() {
        return None;
    }
    let mut text = text.to_string();
    if !text.contains("{}") {
        let numbered = repeated && !text.contains('{');
        text.push_str(if numbered { ".{0..}.{}" } else { ".{}" });
    }
    let (before, after) = text.split_once("{}")?;
    let ((before, here), (after, there)) = (numbered(before)?, numbered(after)?);
    match (repeated, here, there) {
        (false, None, None) => Some((before, after, 0)),
        (true, Some(first), None) | (true, None, Some(first)) => Some((before, after, first)),
        _ => None,
    }
}

/// A text in which `{}` stands for the number that it had as `{1..}`, and that number.
fn numbered(text: &str) -> Option<(String, Option<u32>)> {
    let plain = |text: &str| !text.contains(['{', '}']);
    match text.split_once('{') {
        None => plain(text).then(|| (text.to_string(), None)),
        Some((front, rest)) => {
            let (number, back) = rest.split_once("..}")?;
            let number = number.parse().ok()?;
            let whole = plain(front) && plain(back);
            whole.then(|| (format!("{front}{{}}{back}"), Some(number)))
        }
    }
}

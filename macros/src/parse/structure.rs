//! Structs as written.

use super::dims::{self, DimExpr};
use super::pytorch::PyTorchName;
use super::types::{self, StructType, TensorType};
use crate::errors::{Checked, Errors, Reported};
use crate::messages;
use sinew_ir::SymbolType;
use syn::punctuated::Punctuated;

/// A struct.
pub struct Structure {
    /// Attributes, docs among them.
    pub attributes: Vec<syn::Attribute>,
    /// The traits that the user derives, by their last names.
    pub derived: Vec<String>,
    /// Visibility.
    pub visibility: syn::Visibility,
    /// Name.
    pub name: syn::Ident,
    /// Symbols declared in `<...>`.
    pub symbols: Vec<syn::Ident>,
    /// Fields.
    pub fields: Vec<Field>,
}

/// A field.
pub struct Field {
    /// Attributes but for those of the language.
    pub attributes: Vec<syn::Attribute>,
    /// Visibility.
    pub visibility: syn::Visibility,
    /// Name.
    pub name: syn::Ident,
    /// What it holds.
    pub kind: FieldKind,
    /// Its type as written.
    pub written: syn::Type,
    /// Of an enum, which variant it is where nobody says, with the attribute that says so.
    pub variant: Option<(syn::Attribute, syn::Path)>,
    /// What PyTorch calls it.
    pub pytorch: PyTorchName,
}

/// What a field holds.
pub enum FieldKind {
    /// `Param<..>`, trainable, with how it starts.
    Param(TensorType, Initial),
    /// `State<..>`, not trained.
    State(TensorType, Initial),
    /// Another struct; as many as the dim says, if there is one.
    Child(StructType, Option<DimExpr>),
    /// `dropout: f32`: configuration, with what it is where nobody says.
    Setting(SettingType, Option<SettingValue>),
}

/// Rust's numbers that are no configuration.
const OTHER_NUMBERS: &[&str] = &[
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "f16", "bf16",
];

/// The type of a field that is configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingType {
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `usize`
    Usize,
    /// `bool`
    Bool,
}

impl SettingType {
    /// The type of its symbols.
    pub fn symbol_type(self) -> SymbolType {
        match self {
            SettingType::F32 | SettingType::F64 => SymbolType::Float,
            SettingType::Usize => SymbolType::Size,
            SettingType::Bool => SymbolType::Bool,
        }
    }

    /// The type called `name`.
    fn named(name: &str) -> Option<SettingType> {
        Some(match name {
            "f32" => SettingType::F32,
            "f64" => SettingType::F64,
            "usize" => SettingType::Usize,
            "bool" => SettingType::Bool,
            _ => return None,
        })
    }
}

/// The value of a field that is configuration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SettingValue {
    /// Of `f32` and `f64`.
    Float(f64),
    /// Of `usize`.
    Size(u64),
    /// Of `bool`.
    Bool(bool),
}

impl SettingValue {
    /// As a Rust literal.
    pub fn literal(self) -> String {
        match self {
            SettingValue::Float(v) => format!("{v:?}"),
            SettingValue::Size(v) => v.to_string(),
            SettingValue::Bool(v) => v.to_string(),
        }
    }
}

/// How a leaf starts: a name and numbers, `#[init(normal(0.02))]`, or a dim, `#[init(fan_in_uniform(I))]`.
pub struct Initial {
    /// The name.
    pub name: syn::Ident,
    /// Its numbers.
    pub numbers: Vec<f64>,
    /// How many inputs an output has, where the initialiser is told that.
    pub inputs: Option<DimExpr>,
}

/// Reads a struct.
pub fn of_item(mut item: syn::ItemStruct, errors: &Errors) -> Checked<Structure> {
    if ["Param", "State", "Tensor"].contains(&super::name(&item.ident).as_str()) {
        return Err(errors.report(messages::word_of_the_language(&item.ident)));
    }
    let symbols = super::symbols(&item.generics, errors)?;
    super::owner::name_in_fields(&mut item.fields, &item.ident.clone().into());
    let named = match item.fields {
        syn::Fields::Named(named) => named.named,
        other => return Err(errors.report(messages::tuple_struct(&item.ident, &other))),
    };
    let mut fields: Vec<Field> = Vec::new();
    let mut bad = false;
    for f in named {
        match field(f, errors) {
            Ok(f) => {
                if fields.iter().any(|other| other.name == f.name) {
                    errors.report(messages::field_twice(&f.name));
                    bad = true;
                }
                if let FieldKind::Child(child, _) = &f.kind
                    && child.path.is_ident(&item.ident)
                {
                    errors.report(messages::struct_in_itself(&child.path));
                    bad = true;
                }
                fields.push(f);
            }
            Err(Reported) => bad = true,
        }
    }
    let leaf = |f: &Field| matches!(f.kind, FieldKind::Param(..) | FieldKind::State(..));
    if let Some(at) = derived_default(&item.attrs)
        && fields.iter().any(|f| leaf(f) || is_layer(f))
    {
        errors.report(messages::derive_default(&at, &item.ident));
        bad = true;
    }
    if bad {
        return Err(Reported);
    }
    Ok(Structure {
        derived: super::attributes::derived(&item.attrs),
        attributes: item.attrs,
        visibility: item.vis,
        name: item.ident,
        symbols,
        fields,
    })
}

/// Whether a field is a layer of the library's, which has parameters.
fn is_layer(field: &Field) -> bool {
    let FieldKind::Child(child, _) = &field.kind else {
        return false;
    };
    let name = child.path.get_ident();
    name.is_some_and(|name| crate::names::is_type_of_prelude(&super::name(name)))
}

/// The word in `#[derive(Default)]`.
fn derived_default(attributes: &[syn::Attribute]) -> Option<syn::Path> {
    let derives = attributes.iter().filter(|a| a.path().is_ident("derive"));
    let list = Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
    let paths = derives.filter_map(|a| a.parse_args_with(list).ok());
    paths.flatten().find(|path| path.is_ident("Default"))
}

pub fn field(field: syn::Field, errors: &Errors) -> Checked<Field> {
    super::no_cfg(&field.attrs, errors)?;
    let Some(name) = field.ident.filter(|n| n != "_") else {
        return Err(errors.report(messages::not_a_type(&field.ty)));
    };
    let mut initial = None;
    let mut default = None;
    let mut variant = None;
    let mut pytorch = None;
    let mut attributes = Vec::new();
    for a in field.attrs {
        if a.path().is_ident("default") {
            if default.is_some() {
                return Err(errors.report(messages::default_twice(&a)));
            }
            default = Some(a);
            continue;
        }
        if a.path().is_ident("pytorch") {
            if pytorch.is_some() {
                return Err(errors.report(messages::pytorch_twice(&a)));
            }
            pytorch = Some(a);
            continue;
        }
        if a.path().is_ident("init") {
            if initial.is_some() {
                return Err(errors.report(messages::init_twice(&a)));
            }
            // The shape is known all the same: what is wrong with it is told too.
            let read = errors.check(init(&a));
            initial = Some((read.unwrap_or_else(|Reported| zeros(&name)), a));
        } else {
            attributes.push(a);
        }
    }
    let (ty, count) = match super::unwrapped(&field.ty) {
        syn::Type::Array(a) => (super::unwrapped(&a.elem), Some(dims::of_expr(&a.len))),
        other => (other, None),
    };
    let path = match ty {
        syn::Type::Path(p) if types::is_list(&p.path) => {
            return Err(errors.report(messages::list_of_children(p)));
        }
        syn::Type::Path(p) if p.qself.is_none() => &p.path,
        other => return Err(errors.report(messages::not_a_field_type(other))),
    };
    let count = match count {
        Some(count) => Some(errors.check(count)?),
        None => None,
    };
    let last = path.segments.last().map(|s| super::name(&s.ident));
    if let Some("Param" | "State") = last.as_deref()
        && count.is_some()
    {
        return Err(errors.report(messages::repeated_leaf(&field.ty)));
    }
    let kind = match last.as_deref() {
        Some("Param") => {
            let tensor = types::tensor(path, errors)?;
            fixed_rank(&tensor, errors)?;
            match initial {
                Some((initial, _)) => {
                    has_inputs(&tensor, &initial, &name, errors);
                    FieldKind::Param(tensor, initial)
                }
                None => {
                    errors.report(messages::no_init(&name));
                    FieldKind::Param(tensor, zeros(&name))
                }
            }
        }
        Some("State") => {
            let tensor = types::tensor(path, errors)?;
            fixed_rank(&tensor, errors)?;
            let initial = initial.map_or_else(|| zeros(&name), |(i, _)| i);
            has_inputs(&tensor, &initial, &name, errors);
            FieldKind::State(tensor, initial)
        }
        Some("Tensor") => return Err(errors.report(messages::tensor_field(&field.ty))),
        _ => {
            if let Some((_, a)) = initial {
                return Err(errors.report(messages::init_on_child(&a)));
            }
            let plain = path.get_ident().map(super::name).unwrap_or_default();
            if OTHER_NUMBERS.contains(&plain.as_str()) {
                return Err(errors.report(messages::config_field(path, &name)));
            }
            match SettingType::named(&plain) {
                Some(_) if count.is_some() => {
                    return Err(errors.report(messages::repeated_setting(&field.ty)));
                }
                Some(ty) => {
                    let default = default.take();
                    let value = default.map(|a| errors.check(setting_value(&a, ty)));
                    FieldKind::Setting(ty, value.transpose()?)
                }
                None => {
                    if let Some(a) = default.take() {
                        variant = Some(variant_of(a, errors)?);
                    }
                    FieldKind::Child(types::structure(path, errors)?, count)
                }
            }
        }
    };
    if let Some(default) = default {
        return Err(errors.report(messages::default_of_no_setting(&default)));
    }
    // What the field is stays known where this is wrong.
    let pytorch = pytorch.map(|a| errors.check(PyTorchName::read(a, &name, &kind)));
    let own = PyTorchName::of_field(&super::name(&name), &kind);
    let pytorch = pytorch.and_then(Checked::ok).unwrap_or(own);
    Ok(Field {
        attributes,
        visibility: field.vis,
        name,
        kind,
        written: field.ty,
        variant,
        pytorch,
    })
}

/// `#[default(Gelu)]`, `#[default(Activation::Gelu)]`: of an enum, which the type's chain tells.
fn variant_of(attribute: syn::Attribute, errors: &Errors) -> Checked<(syn::Attribute, syn::Path)> {
    match attribute.parse_args::<syn::Path>() {
        Ok(path) => Ok((attribute, path)),
        Err(_) => Err(errors.report(messages::default_of_no_setting(&attribute))),
    }
}

/// What starts as zeros.
fn zeros(field: &syn::Ident) -> Initial {
    Initial {
        name: syn::Ident::new("zeros", field.span()),
        numbers: Vec::new(),
        inputs: None,
    }
}

fn fixed_rank(tensor: &TensorType, errors: &Errors) -> Checked<()> {
    match &tensor.sequence {
        Some(s) => Err(errors.report(messages::sequence_in_leaf(s))),
        None => Ok(()),
    }
}

/// Reports an initialiser that follows from the number of inputs of an output, which fewer than two dims do not tell.
fn has_inputs(tensor: &TensorType, initial: &Initial, field: &syn::Ident, errors: &Errors) {
    let name = initial.name.to_string();
    let by_inputs = name.starts_with("kaiming") || name.starts_with("xavier");
    if by_inputs && tensor.dims.len() < 2 {
        errors.report(messages::init_rank(&initial.name, field, tensor.dims.len()));
    }
}

fn init(attribute: &syn::Attribute) -> syn::Result<Initial> {
    let bad = || messages::bad_init(attribute);
    let syn::Meta::List(list) = &attribute.meta else {
        return Err(bad());
    };
    let expr: syn::Expr = syn::parse2(list.tokens.clone()).map_err(|_| bad())?;
    let (path, arguments) = match &expr {
        syn::Expr::Path(p) => (&p.path, None),
        syn::Expr::Call(c) => match &*c.func {
            syn::Expr::Path(p) => (&p.path, Some(&c.args)),
            _ => return Err(bad()),
        },
        _ => return Err(bad()),
    };
    let name = path.get_ident().cloned().ok_or_else(bad)?;
    if super::name(&name) == "fan_in_uniform" {
        let mut arguments = arguments.into_iter().flatten();
        let (Some(inputs), None) = (arguments.next(), arguments.next()) else {
            return Err(messages::init_inputs(&name));
        };
        return Ok(Initial {
            name,
            numbers: Vec::new(),
            inputs: Some(dims::of_expr(inputs)?),
        });
    }
    let mut numbers = Vec::new();
    for a in arguments.into_iter().flatten() {
        match number(a) {
            Some(n) if n.is_finite() => numbers.push(n),
            Some(_) => return Err(messages::number_range(a)),
            None => return Err(bad()),
        }
    }
    let wanted: &[usize] = match super::name(&name).as_str() {
        "zeros" | "ones" | "kaiming_uniform" | "kaiming_normal" | "xavier_uniform"
        | "xavier_normal" => &[0],
        "normal" | "constant" => &[1],
        "uniform" => &[1, 2],
        _ => return Err(messages::unknown_init(&name)),
    };
    if !wanted.contains(&numbers.len()) {
        return Err(messages::init_numbers(&name, wanted));
    }
    Ok(Initial {
        name,
        numbers,
        inputs: None,
    })
}

/// `#[default(0.1)]`
fn setting_value(attribute: &syn::Attribute, ty: SettingType) -> syn::Result<SettingValue> {
    let bad = || messages::bad_default(attribute, ty);
    let syn::Meta::List(list) = &attribute.meta else {
        return Err(bad());
    };
    let expr: syn::Expr = syn::parse2(list.tokens.clone()).map_err(|_| bad())?;
    match (ty, &expr) {
        (SettingType::F32 | SettingType::F64, e) => match number(e) {
            Some(n) if n.is_finite() => Ok(SettingValue::Float(n)),
            Some(_) => Err(messages::number_range(e)),
            None => Err(bad()),
        },
        (SettingType::Usize, syn::Expr::Lit(l)) => match &l.lit {
            syn::Lit::Int(i) => i.base10_parse().map(SettingValue::Size).map_err(|_| bad()),
            _ => Err(bad()),
        },
        (SettingType::Bool, syn::Expr::Lit(l)) => match &l.lit {
            syn::Lit::Bool(b) => Ok(SettingValue::Bool(b.value)),
            _ => Err(bad()),
        },
        (SettingType::Usize | SettingType::Bool, _) => Err(bad()),
    }
}

/// A literal number, perhaps with a sign; infinite past the range of f64.
pub fn number(expr: &syn::Expr) -> Option<f64> {
    match expr {
        syn::Expr::Lit(l) => match &l.lit {
            syn::Lit::Float(f) => f.base10_parse().ok(),
            syn::Lit::Int(i) => i.base10_parse().ok(),
            _ => None,
        },
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => number(&u.expr).map(|n| -n),
        syn::Expr::Paren(p) => number(&p.expr),
        syn::Expr::Group(g) => number(&g.expr),
        _ => None,
    }
}

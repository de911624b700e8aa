//! Types as written: `Tensor<..>`, `Param<..>`, `State<..>`, references to structs, tuples.

use super::dims::{self, DimExpr};
use crate::errors::{Checked, Errors};
use crate::messages;
use sinew_ir::DType;

/// A type as written.
#[derive(Clone)]
pub enum TypeExpr {
    /// `Tensor<..>`.
    Tensor(TensorType),
    /// A struct with its dims.
    Struct(StructType),
    /// Several.
    Tuple(Vec<TypeExpr>),
    /// So many of one type.
    Array(Box<TypeExpr>, usize),
}

impl TypeExpr {
    /// The path of `Self`, if it is that.
    pub fn self_type(&self) -> Option<&syn::Path> {
        match self {
            TypeExpr::Struct(s) if s.path.is_ident("Self") => Some(&s.path),
            TypeExpr::Struct(_)
            | TypeExpr::Tensor(_)
            | TypeExpr::Tuple(_)
            | TypeExpr::Array(..) => None,
        }
    }

    /// The parts of a tuple or an array.
    pub fn parts(&self) -> Vec<&TypeExpr> {
        match self {
            TypeExpr::Tuple(parts) => parts.iter().collect(),
            TypeExpr::Array(part, count) => vec![part; *count],
            TypeExpr::Struct(_) | TypeExpr::Tensor(_) => Vec::new(),
        }
    }

    /// How many tensors and structs it is made of.
    pub fn count(&self) -> usize {
        match self {
            TypeExpr::Tuple(parts) => {
                let counts = parts.iter().map(TypeExpr::count);
                counts.fold(0, usize::saturating_add)
            }
            TypeExpr::Array(part, count) => part.count().saturating_mul(*count),
            TypeExpr::Struct(_) | TypeExpr::Tensor(_) => 1,
        }
    }
}

/// The most tensors of an array: each is a parameter of the function's program.
pub const LONGEST_ARRAY: usize = 64;

/// `Tensor<[dtype,] [[S],] dims..>` and its relatives.
#[derive(Clone)]
pub struct TensorType {
    /// The path up to `<`.
    pub path: syn::Path,
    /// The element type; the working float when left out.
    pub dtype: DType,
    /// The leading sequence.
    pub sequence: Option<syn::Ident>,
    /// The dims behind it.
    pub dims: Vec<DimExpr>,
}

/// A struct's path and dims.
#[derive(Clone)]
pub struct StructType {
    /// The path without generic arguments.
    pub path: syn::Path,
    /// Its dims.
    pub dims: Vec<DimExpr>,
    /// Whether it stands behind `&`.
    pub reference: bool,
}

/// Reads a type.
pub fn type_expr(ty: &syn::Type, errors: &Errors) -> Checked<TypeExpr> {
    match ty {
        syn::Type::Paren(p) => type_expr(&p.elem, errors),
        syn::Type::Group(g) => type_expr(&g.elem, errors),
        syn::Type::Tuple(t) => {
            let parts: Vec<_> = t.elems.iter().map(|e| type_expr(e, errors)).collect();
            parts
                .into_iter()
                .collect::<Checked<_>>()
                .map(TypeExpr::Tuple)
        }
        syn::Type::Reference(r) => {
            if let Some(token) = &r.mutability {
                return Err(errors.report(messages::mutable_reference(token)));
            }
            match type_expr(&r.elem, errors)? {
                TypeExpr::Struct(s) => Ok(TypeExpr::Struct(StructType {
                    reference: true,
                    ..s
                })),
                TypeExpr::Tensor(_) | TypeExpr::Tuple(_) | TypeExpr::Array(..) => {
                    Err(errors.report(messages::tensor_reference(ty)))
                }
            }
        }
        syn::Type::Path(p) if p.qself.is_none() => {
            if is_tensor(&p.path) {
                return tensor(&p.path, errors).map(TypeExpr::Tensor);
            }
            structure(&p.path, errors).map(TypeExpr::Struct)
        }
        other => Err(errors.report(messages::not_a_type(other))),
    }
}

/// Reads the type of a parameter, which may be an array of such.
pub fn parameter_type(ty: &syn::Type, errors: &Errors) -> Checked<TypeExpr> {
    match ty {
        syn::Type::Paren(p) => parameter_type(&p.elem, errors),
        syn::Type::Group(g) => parameter_type(&g.elem, errors),
        syn::Type::Tuple(t) => {
            let parts: Vec<_> = t.elems.iter().map(|e| parameter_type(e, errors)).collect();
            parts
                .into_iter()
                .collect::<Checked<_>>()
                .map(TypeExpr::Tuple)
        }
        syn::Type::Array(a) => {
            let part = parameter_type(&a.elem, errors)?;
            let length = match &a.len {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Int(i),
                    ..
                }) => i.base10_parse::<usize>().ok(),
                _ => None,
            };
            match length.filter(|n| (1..=LONGEST_ARRAY).contains(n)) {
                Some(n) => Ok(TypeExpr::Array(Box::new(part), n)),
                None => Err(errors.report(messages::array_length(&a.len, LONGEST_ARRAY))),
            }
        }
        other => type_expr(other, errors),
    }
}

/// Whether a path ends in `Tensor`: that the name means ours is then checked by rustc.
pub fn is_tensor(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|s| s.ident == "Tensor")
}

/// Reads `Tensor<..>`, `Param<..>` or `State<..>` by its path.
pub fn tensor(path: &syn::Path, errors: &Errors) -> Checked<TensorType> {
    let mut out = TensorType {
        path: bare(path),
        dtype: DType::Float,
        sequence: None,
        dims: Vec::new(),
    };
    for (i, argument) in arguments(path, errors)?.iter().enumerate() {
        match argument {
            syn::GenericArgument::Type(syn::Type::Slice(s)) => {
                if !out.dims.is_empty() || out.sequence.is_some() {
                    return Err(errors.report(messages::sequence_not_first(s)));
                }
                match super::unwrapped(&s.elem) {
                    syn::Type::Path(p) if p.path.get_ident().is_some() => {
                        out.sequence = p.path.get_ident().cloned();
                    }
                    other => return Err(errors.report(messages::sequence_name(other))),
                }
            }
            syn::GenericArgument::Type(syn::Type::Path(p)) if i == 0 && dtype(p).is_some() => {
                out.dtype = dtype(p).unwrap_or(DType::Float);
            }
            syn::GenericArgument::Type(syn::Type::Path(p))
                if p.path.get_ident().is_some_and(|name| {
                    element_name(name) || (i == 0 && foreign_element(name))
                }) =>
            {
                return Err(errors.report(messages::element_type(p, i == 0)));
            }
            other => out.dims.push(dim(other, errors)?),
        }
    }
    Ok(out)
}

fn dtype(ty: &syn::TypePath) -> Option<DType> {
    let name = ty.path.get_ident()?.to_string();
    element_type(&name)
}

/// The element type that `name` means in the language.
pub fn element_type(name: &str) -> Option<DType> {
    match name {
        "f32" => Some(DType::F32),
        "f64" => Some(DType::F64),
        "f16" => Some(DType::F16),
        "bf16" => Some(DType::Bf16),
        "i32" => Some(DType::I32),
        "u32" => Some(DType::U32),
        "bool" => Some(DType::Bool),
        _ => None,
    }
}

/// Whether a name is that of a number type, of Rust or of the language.
fn element_name(ident: &syn::Ident) -> bool {
    let names = [
        "f16", "bf16", "f128", "i8", "i16", "i64", "i128", "isize", "u8", "u16", "u64", "u128",
        "usize", "char", "f32", "f64", "i32", "u32", "bool", "str", "String", "float",
    ];
    names.iter().any(|n| ident == n)
}

/// Whether a name is that of an element type of NumPy or PyTorch.
fn foreign_element(ident: &syn::Ident) -> bool {
    let names = [
        "int", "int8", "int16", "int32", "int64", "uint8", "uint32", "long", "half", "float16",
        "bfloat16", "float32", "float64", "double",
    ];
    names.iter().any(|n| ident == n)
}

/// Whether a name is that of a type that Rust has without a path to it.
pub fn is_primitive(ident: &syn::Ident) -> bool {
    element_name(ident) && ident != "String" && ident != "float"
}

/// Reads a struct's path with its dims.
pub fn structure(path: &syn::Path, errors: &Errors) -> Checked<StructType> {
    if let Some(ident) = path.get_ident()
        && element_name(ident)
    {
        return Err(errors.report(messages::plain_number_type(ident)));
    }
    let last = path.segments.last().map(|s| s.ident.to_string());
    let word = last.unwrap_or_default();
    let keyword = ["self", "super", "crate", "_"].contains(&word.as_str());
    if keyword || (word == "Self" && path.segments.len() > 1) {
        return Err(errors.report(messages::not_a_type(path)));
    }
    let arguments = arguments(path, errors)?;
    if holds_types(&arguments) && RUST_GENERICS.contains(&word.as_str()) {
        return Err(errors.report(messages::rust_generic(path, &word)));
    }
    let mut dims = Vec::new();
    for argument in arguments {
        if let syn::GenericArgument::Type(syn::Type::Path(p)) = &argument
            && p.path.get_ident().is_some_and(element_name)
        {
            return Err(errors.report(messages::not_a_dim(p)));
        }
        dims.push(dim(&argument, errors)?);
    }
    Ok(StructType {
        path: bare(path),
        dims,
        reference: false,
    })
}

/// Generic types of Rust's that are written around tensors and structs elsewhere.
const RUST_GENERICS: &[&str] = &["Option", "Result", "Vec", "Box", "Rc", "Arc"];

/// Whether generic arguments are those of a type of Rust's: tensors and structs with dims, not dims.
fn holds_types(arguments: &[syn::GenericArgument]) -> bool {
    arguments.iter().any(|argument| match argument {
        syn::GenericArgument::Type(syn::Type::Path(p)) => {
            is_tensor(&p.path) || bare(&p.path) != p.path
        }
        _ => false,
    })
}

/// Whether the generic arguments of a segment are those of an array outside: an element type, a lifetime.
pub fn holds_elements(segment: &syn::PathSegment) -> bool {
    let syn::PathArguments::AngleBracketed(a) = &segment.arguments else {
        return false;
    };
    a.args.iter().any(|argument| match plain(argument) {
        syn::GenericArgument::Lifetime(_) => true,
        syn::GenericArgument::Type(syn::Type::Path(p)) => {
            p.path.get_ident().is_some_and(element_name)
        }
        _ => false,
    })
}

/// Whether a path is that of a list of structs: `Vec<Block<D>>`.
pub fn is_list(path: &syn::Path) -> bool {
    let Some(last) = path.segments.last() else {
        return false;
    };
    let syn::PathArguments::AngleBracketed(a) = &last.arguments else {
        return false;
    };
    let arguments: Vec<_> = a.args.iter().map(plain).collect();
    last.ident == "Vec" && arguments.len() == 1
}

/// The path without generic arguments.
pub fn bare(path: &syn::Path) -> syn::Path {
    let mut path = path.clone();
    for segment in &mut path.segments {
        segment.arguments = syn::PathArguments::None;
    }
    path
}

fn arguments(path: &syn::Path, errors: &Errors) -> Checked<Vec<syn::GenericArgument>> {
    let mut out = Vec::new();
    let last = path.segments.len().saturating_sub(1);
    for (i, segment) in path.segments.iter().enumerate() {
        match &segment.arguments {
            syn::PathArguments::None => {}
            syn::PathArguments::AngleBracketed(a) if i == last => out.extend(a.args.iter()),
            _ => return Err(errors.report(messages::not_a_type(path))),
        }
    }
    Ok(out.into_iter().map(plain).collect())
}

/// An argument without the groups that `macro_rules!` puts around types.
fn plain(argument: &syn::GenericArgument) -> syn::GenericArgument {
    match argument {
        syn::GenericArgument::Type(ty) => syn::GenericArgument::Type(super::unwrapped(ty).clone()),
        other => other.clone(),
    }
}

/// A dim among generic arguments.
pub fn dim(argument: &syn::GenericArgument, errors: &Errors) -> Checked<DimExpr> {
    match &plain(argument) {
        syn::GenericArgument::Type(syn::Type::Path(p)) if p.qself.is_none() => {
            if bare(&p.path) != p.path {
                return Err(errors.report(messages::not_a_dim(argument)));
            }
            Ok(DimExpr::Name(p.path.clone()))
        }
        syn::GenericArgument::Const(e) => errors.check(dims::of_expr(e)),
        syn::GenericArgument::Type(syn::Type::Infer(at)) => {
            Err(errors.report(messages::inferred_dim(at)))
        }
        other => Err(errors.report(messages::not_a_dim(other))),
    }
}

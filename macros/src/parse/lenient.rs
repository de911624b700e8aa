//! Items with mistakes, read for what is left of them: so that whoever uses one is not reported too.
//!
//! Nothing is reported here, the item was: what cannot be read is replaced or left out.

use super::enumeration::{Enumeration, Variant};
use super::function::{self, Function, Parameter};
use super::structure::{self, Field, FieldKind, Structure};
use super::types::{self, StructType, TensorType, TypeExpr};
use super::{Methods, name};
use crate::errors::Errors;
use quote::ToTokens;
use sinew_ir::DType;

/// A free function with as much of its types as can be read, and no body.
pub fn function(item: &syn::ItemFn) -> Function {
    let mut function = of_parts(&item.vis, &item.sig);
    for parameter in &mut function.parameters {
        if parameter.ty.self_type().is_some() {
            parameter.ty = any(item.sig.ident.span());
        }
    }
    function
}

/// What a parameter's type is meant as that is refused, or whose pattern is, so that what it is given fits: a struct
/// that is borrowed otherwise, a tensor of elements that the language has not.
fn meant(ty: &syn::Type) -> Option<TypeExpr> {
    let quiet = Errors::default();
    let written = match super::unwrapped(ty) {
        syn::Type::Reference(r) => return meant(&r.elem),
        syn::Type::Path(written) => written,
        _ => return None,
    };
    match types::type_expr(ty, &quiet) {
        Ok(TypeExpr::Struct(s)) if !function::is_leaf(&s) => {
            return Some(TypeExpr::Struct(StructType {
                reference: true,
                ..s
            }));
        }
        Ok(TypeExpr::Tensor(tensor)) => return Some(TypeExpr::Tensor(tensor)),
        Ok(_) => return None,
        Err(_) if !types::is_tensor(&written.path) => return None,
        Err(_) => {}
    }
    let mut path = written.path.clone();
    let syn::PathArguments::AngleBracketed(arguments) = &mut path.segments.last_mut()?.arguments
    else {
        return None;
    };
    let mut elements = std::mem::take(&mut arguments.args).into_iter();
    let name = elements.next()?.to_token_stream().to_string();
    arguments.args = elements.collect();
    let mut tensor = types::tensor(&path, &quiet).ok()?;
    let integers = ["i", "u", "long"];
    if integers.iter().any(|start| name.starts_with(start)) {
        tensor.dtype = DType::I32;
    }
    Some(TypeExpr::Tensor(tensor))
}

/// What a result is meant as that is refused or left out: a number of Rust's is a scalar, as what a function gives that
/// names nothing, and a `Result` what is in it.
fn meant_result(output: &syn::ReturnType, span: proc_macro2::Span) -> Option<TypeExpr> {
    let scalar = || Some(TypeExpr::Tensor(tensor(None, span)));
    let syn::ReturnType::Type(_, ty) = output else {
        return scalar();
    };
    let syn::Type::Path(written) = super::unwrapped(ty) else {
        return None;
    };
    if written.path.is_ident("f32") || written.path.is_ident("f64") {
        return scalar();
    }
    match &written.path.segments.last()?.arguments {
        syn::PathArguments::AngleBracketed(a) => match a.args.first()? {
            syn::GenericArgument::Type(inner) => meant(inner),
            _ => None,
        },
        _ => None,
    }
}

/// A tensor of any dims.
fn any(span: proc_macro2::Span) -> TypeExpr {
    TypeExpr::Tensor(tensor(Some(syn::Ident::new("S", span)), span))
}

fn of_parts(visibility: &syn::Visibility, signature: &syn::Signature) -> Function {
    let quiet = Errors::default();
    let span = signature.ident.span();
    let mut receiver = None;
    let mut parameters: Vec<Parameter> = Vec::new();
    for (i, input) in signature.inputs.iter().enumerate() {
        match input {
            syn::FnArg::Receiver(r) => receiver = Some(r.self_token),
            syn::FnArg::Typed(p) => {
                let read = function::parameter(p, &quiet);
                let mut read = read.unwrap_or_else(|_| Parameter {
                    name: syn::Ident::new("unread", span),
                    pattern: None,
                    ty: meant(&p.ty).unwrap_or_else(|| any(span)),
                });
                if parameters.iter().any(|q| q.name == read.name) {
                    read.name = quote::format_ident!("unread_{}", i, span = span);
                }
                parameters.push(read);
            }
        }
    }
    let result = match &signature.output {
        syn::ReturnType::Default => None,
        syn::ReturnType::Type(_, ty) => {
            let read = types::type_expr(ty, &quiet);
            read.ok()
                .filter(|read| function::results(read, ty, &quiet).is_ok())
        }
    };
    Function {
        attributes: Vec::new(),
        visibility: visibility.clone(),
        name: signature.ident.clone(),
        symbols: Vec::new(),
        constraints: Vec::new(),
        no_derivative: None,
        allowed: Vec::new(),
        rule: None,
        receiver,
        parameters,
        result: result
            .or_else(|| meant_result(&signature.output, span))
            .unwrap_or_else(|| any(span)),
        body: syn::Block {
            brace_token: syn::token::Brace(span),
            stmts: Vec::new(),
        },
    }
}

fn tensor(sequence: Option<syn::Ident>, span: proc_macro2::Span) -> TensorType {
    TensorType {
        path: syn::Ident::new("Tensor", span).into(),
        dtype: DType::Float,
        sequence,
        dims: Vec::new(),
    }
}

/// A struct with the fields that can be read, none of which has a dim.
pub fn structure(item: &syn::ItemStruct) -> Structure {
    let quiet = Errors::default();
    let mut fields = Vec::new();
    for f in &item.fields {
        let mut plain = f.clone();
        plain.attrs.clear();
        let path = match super::unwrapped(&f.ty) {
            syn::Type::Path(p) => p.path.segments.last(),
            _ => None,
        };
        if path.is_some_and(|s| ["Param", "State"].contains(&name(&s.ident).as_str())) {
            plain.attrs.push(syn::parse_quote!(#[init(zeros)]));
        }
        let Ok(mut field) = structure::field(plain, &quiet) else {
            continue;
        };
        if fields.iter().any(|other: &Field| other.name == field.name) {
            continue;
        }
        match &mut field.kind {
            FieldKind::Param(t, _) | FieldKind::State(t, _) => t.dims.clear(),
            FieldKind::Setting(..) => {}
            FieldKind::Child(c, _) if c.path.is_ident(&item.ident) => continue,
            FieldKind::Child(c, count) => {
                c.dims.clear();
                *count = None;
            }
        }
        fields.push(field);
    }
    let symbols = item.generics.params.iter().filter_map(|p| match p {
        // What has bounds was not meant as a size, and a const parameter is known where the type is named.
        syn::GenericParam::Type(t) if t.bounds.is_empty() => Some(t.ident.clone()),
        syn::GenericParam::Type(_) | syn::GenericParam::Const(_) => None,
        syn::GenericParam::Lifetime(_) => None,
    });
    Structure {
        attributes: Vec::new(),
        derived: Vec::new(),
        visibility: item.vis.clone(),
        name: item.ident.clone(),
        symbols: symbols.collect(),
        fields,
    }
}

/// An enum with the variants that are plain names; one at least, so that it has values.
pub fn enumeration(item: &syn::ItemEnum) -> Enumeration {
    let names = item.variants.iter().map(|v| v.ident.clone());
    let mut variants: Vec<Variant> = names
        .map(|name| Variant {
            attributes: Vec::new(),
            name,
        })
        .collect();
    if variants.is_empty() {
        variants.push(Variant {
            attributes: Vec::new(),
            name: syn::Ident::new("Unread", item.ident.span()),
        });
    }
    Enumeration {
        attributes: Vec::new(),
        visibility: item.vis.clone(),
        name: item.ident.clone(),
        variants,
    }
}

/// The methods of an impl block of a struct.
pub fn methods(item: &syn::ItemImpl) -> Option<Methods> {
    let owner = match types::type_expr(&item.self_ty, &Errors::default()) {
        Ok(TypeExpr::Struct(owner)) if !owner.reference && !owner.path.is_ident("Self") => owner,
        Ok(_) | Err(_) => return None,
    };
    let functions = item.items.iter().filter_map(|i| match i {
        syn::ImplItem::Fn(f) => Some(of_parts(&f.vis, &f.sig)),
        _ => None,
    });
    item.trait_.is_none().then(|| Methods {
        attributes: Vec::new(),
        symbols: Vec::new(),
        owner: StructType {
            dims: Vec::new(),
            ..owner
        },
        functions: functions.collect(),
    })
}

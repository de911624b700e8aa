//! Items with mistakes, read for what is left of them: so that whoever uses one is not reported too.
//!
//! Nothing is reported here, the item was: what cannot be read is replaced or left out.

use super::enumeration::{Enumeration, Variant};
use super::function::{self, Function, Parameter};
use super::structure::{self, FieldKind, Structure};
use super::types::{self, StructType, TensorType, TypeExpr};
use super::{Methods, name};
use crate::errors::Errors;
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
                    ty: any(span),
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
        result: result.unwrap_or_else(|| any(span)),
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
        syn::GenericParam::Type(t) => Some(t.ident.clone()),
        syn::GenericParam::Const(c) => Some(c.ident.clone()),
        syn::GenericParam::Lifetime(_) => None,
    });
    Structure {
        attributes: Vec::new(),
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

//! Functions and methods as written.

use super::options::{ConstraintExpr, Options};
use super::types::{self, TypeExpr};
use crate::errors::{Checked, Errors, Reported};
use crate::messages;

/// A function or a method.
pub struct Function {
    /// Attributes, docs among them.
    pub attributes: Vec<syn::Attribute>,
    /// Visibility.
    pub visibility: syn::Visibility,
    /// Name.
    pub name: syn::Ident,
    /// Symbols declared in `<...>`.
    pub symbols: Vec<syn::Ident>,
    /// Relations between dims that it assumes.
    pub constraints: Vec<ConstraintExpr>,
    /// Why it has no derivative, if it is declared to have none.
    pub no_derivative: Option<String>,
    /// The function that is its derivative, if one is written by hand.
    pub rule: Option<syn::Path>,
    /// Whether it starts with `&self`.
    pub receiver: Option<syn::Token![self]>,
    /// The other parameters.
    pub parameters: Vec<Parameter>,
    /// What it returns; where to point when nothing is declared is the name.
    pub result: TypeExpr,
    /// Its body.
    pub body: syn::Block,
}

/// A parameter: a name and a type.
pub struct Parameter {
    /// Name.
    pub name: syn::Ident,
    /// Type.
    pub ty: TypeExpr,
}

/// Reads a free function.
pub fn of_item(item: syn::ItemFn, options: Options, errors: &Errors) -> Checked<Function> {
    if let Some(r) = item.sig.receiver() {
        return Err(errors.report(messages::receiver_outside(r)));
    }
    let may = ["where", "crate", "no_derivative", "vjp"];
    options.only(&may, "a function", errors)?;
    if std_macro(&super::name(&item.sig.ident)) {
        return Err(errors.report(messages::std_macro_name(&item.sig.ident)));
    }
    let mut function = read(item.attrs, item.vis, item.sig, *item.block, errors)?;
    // Emitted code would make it the type that carries the function.
    if let Some(path) = function.parameters.iter().find_map(|p| p.ty.self_type()) {
        return Err(errors.report(messages::self_type(path)));
    }
    function.constraints = options.constraints;
    function.no_derivative = options.no_derivative;
    function.rule = options.rule;
    Ok(function)
}

/// Reads a method of an impl block, for whose methods `outer` holds.
pub fn of_method(
    mut item: syn::ImplItemFn,
    outer: &[ConstraintExpr],
    errors: &Errors,
) -> Checked<Function> {
    let mut constraints = outer.to_vec();
    let mut no_derivative = None;
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut item.attrs) {
        if super::is_model(&attribute) {
            if let syn::Meta::List(list) = &attribute.meta {
                let options = super::options::read(list.tokens.clone(), errors)?;
                options.only(&["where", "no_derivative"], "a method", errors)?;
                constraints.extend(options.constraints);
                no_derivative = no_derivative.or(options.no_derivative);
            }
        } else {
            kept.push(attribute);
        }
    }
    super::no_cfg(&kept, errors)?;
    if let Some(token) = &item.modifiers.defaultness {
        return Err(errors.report(messages::fn_keyword(token, "default")));
    }
    let mut function = read(kept, item.vis, item.sig, item.block, errors)?;
    function.constraints = constraints;
    function.no_derivative = no_derivative;
    Ok(function)
}

fn read(
    attributes: Vec<syn::Attribute>,
    visibility: syn::Visibility,
    signature: syn::Signature,
    body: syn::Block,
    errors: &Errors,
) -> Checked<Function> {
    if let Some(token) = &signature.asyncness {
        return Err(errors.report(messages::fn_keyword(token, "async")));
    }
    if let Some(token) = &signature.constness {
        return Err(errors.report(messages::fn_keyword(token, "const")));
    }
    if let Some(abi) = &signature.abi {
        return Err(errors.report(messages::fn_keyword(abi, "extern")));
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        return Err(errors.report(messages::fn_keyword(token, "unsafe")));
    }
    if let Some(v) = &signature.variadic {
        return Err(errors.report(messages::not_a_type(v)));
    }
    let symbols = super::symbols(&signature.generics, errors)?;
    let mut receiver = None;
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut bad = super::attributes::in_body(&body, errors).is_err();
    for input in &signature.inputs {
        match input {
            syn::FnArg::Receiver(r) => {
                bad |= super::attributes::lints_only(&r.attrs, errors).is_err();
                match &r.kind {
                    syn::ReceiverKind::Reference(_, None, None) => receiver = Some(r.self_token),
                    _ => return Err(errors.report(messages::receiver(r))),
                }
            }
            syn::FnArg::Typed(p) => {
                bad |= super::attributes::lints_only(&p.attrs, errors).is_err();
                match parameter(p, errors) {
                    Ok(p) if parameters.iter().any(|q| q.name == p.name) => {
                        errors.report(messages::parameter_twice(&p.name));
                        bad = true;
                    }
                    Ok(p) => parameters.push(p),
                    Err(Reported) => bad = true,
                }
            }
        }
    }
    let result = match &signature.output {
        syn::ReturnType::Default => {
            return Err(errors.report(messages::no_result(&signature.ident)));
        }
        syn::ReturnType::Type(_, ty) => {
            let result = types::type_expr(ty, errors)?;
            results(&result, ty, errors)?;
            result
        }
    };
    if bad {
        return Err(Reported);
    }
    Ok(Function {
        attributes,
        visibility,
        name: signature.ident,
        symbols,
        constraints: Vec::new(),
        no_derivative: None,
        rule: None,
        receiver,
        parameters,
        result,
        body,
    })
}

/// The most results that Rust takes from a function: the greatest tuple that the runtime returns.
const RESULTS: usize = 8;

/// Refuses what no function returns.
pub fn results(result: &TypeExpr, ty: &syn::Type, errors: &Errors) -> Checked<()> {
    match result {
        TypeExpr::Tensor(_) => Ok(()),
        TypeExpr::Struct(s) => Err(errors.report(messages::struct_result(&s.path))),
        TypeExpr::Tuple(parts) if parts.is_empty() => {
            Err(errors.report(messages::empty_result(ty)))
        }
        TypeExpr::Tuple(parts) if parts.len() > RESULTS => {
            Err(errors.report(messages::many_results(ty, parts.len(), RESULTS)))
        }
        TypeExpr::Tuple(parts) => {
            for part in parts {
                match part {
                    TypeExpr::Tensor(_) => {}
                    TypeExpr::Struct(s) => {
                        return Err(errors.report(messages::struct_result(&s.path)));
                    }
                    TypeExpr::Tuple(_) => {
                        return Err(errors.report(messages::nested_results(ty)));
                    }
                }
            }
            Ok(())
        }
    }
}

pub fn parameter(p: &syn::PatType, errors: &Errors) -> Checked<Parameter> {
    let name = match &*p.pat {
        syn::Pat::Ident(i) if i.by_ref.is_none() && i.subpat.is_none() => {
            if let Some(token) = &i.mutability {
                return Err(errors.report(messages::mutable_parameter(token)));
            }
            i.ident.clone()
        }
        other => return Err(errors.report(messages::parameter_pattern(other))),
    };
    if let Some(path) = array(&p.ty) {
        let name = crate::signature::last(path);
        return Err(errors.report(messages::array_parameter(path, &name)));
    }
    let ty = types::type_expr(&p.ty, errors)?;
    match &ty {
        TypeExpr::Struct(s) if is_leaf(s) => {
            return Err(errors.report(messages::leaf_parameter(&s.path)));
        }
        TypeExpr::Struct(s) if !s.reference => {
            return Err(errors.report(messages::struct_by_value(&p.ty)));
        }
        TypeExpr::Tuple(_) => return Err(errors.report(messages::tuple_parameter(&p.ty))),
        TypeExpr::Struct(_) | TypeExpr::Tensor(_) => {}
    }
    Ok(Parameter { name, ty })
}

/// Whether a type is that of a leaf, which fields have.
fn is_leaf(s: &types::StructType) -> bool {
    matches!(crate::signature::last(&s.path).as_str(), "Param" | "State")
}

/// The path of a type of arrays outside, borrowed or not: `Array2<f32>`, `ArrayView1<'_, f32>`.
fn array(ty: &syn::Type) -> Option<&syn::Path> {
    match super::unwrapped(ty) {
        syn::Type::Reference(r) => array(&r.elem),
        syn::Type::Path(p) => {
            let last = p.path.segments.last()?;
            let called_so = last.ident.to_string().starts_with("Array");
            (called_so && types::holds_elements(last)).then_some(&p.path)
        }
        _ => None,
    }
}

/// Names of the standard library's macros, of Rust's own types and of its crates: a model function called so
/// would break glob imports of its module wherever that name is used. Methods have no macro of their name.
pub fn std_macro(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "alloc",
        "assert",
        "assert_eq",
        "assert_matches",
        "assert_ne",
        "cfg",
        "column",
        "core",
        "compile_error",
        "bool",
        "char",
        "concat",
        "dbg",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "env",
        "f16",
        "f32",
        "f64",
        "f128",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "str",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "eprint",
        "eprintln",
        "file",
        "format",
        "format_args",
        "include",
        "include_bytes",
        "include_str",
        "line",
        "matches",
        "module_path",
        "option_env",
        "panic",
        "print",
        "println",
        "stringify",
        "thread_local",
        "todo",
        "unimplemented",
        "unreachable",
        "vec",
        "write",
        "writeln",
    ];
    NAMES.contains(&name)
}

impl Function {
    /// Where its name stands.
    pub fn span(&self) -> proc_macro2::Span {
        self.name.span()
    }
}

//! Functions and methods as written.

use super::options::{ConstraintExpr, Options};
use super::types::{self, TypeExpr};
use crate::errors::{Checked, Errors, Reported};
use crate::lints::Lint;
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
    /// Lints that are silent in it.
    pub allowed: Vec<Lint>,
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

/// A parameter: a name, or names for its parts, and a type.
pub struct Parameter {
    /// Its name; where its parts have names, one that is made of these.
    pub name: syn::Ident,
    /// The names of its parts: tuples of names, whose shape is that of the type.
    pub pattern: Option<syn::Pat>,
    /// Type.
    pub ty: TypeExpr,
}

impl Parameter {
    /// What it is called in messages and texts.
    pub fn written(&self) -> String {
        match &self.pattern {
            Some(pattern) => messages::source(pattern),
            None => super::name(&self.name),
        }
    }

    /// The name of each of its tensors: `xs.0`, or what the pattern calls it.
    pub fn names(&self) -> Vec<String> {
        fn add(name: &str, pattern: Option<&syn::Pat>, ty: &TypeExpr, out: &mut Vec<String>) {
            let parts = ty.parts();
            let name = match pattern {
                Some(syn::Pat::Ident(i)) => super::name(&i.ident),
                Some(syn::Pat::Paren(p)) => return add(name, Some(&p.pat), ty, out),
                _ => name.to_string(),
            };
            if parts.is_empty() {
                return out.push(name);
            }
            let patterns = match pattern {
                Some(syn::Pat::Tuple(t)) => Some(&t.elems),
                Some(syn::Pat::Slice(s)) => Some(&s.elems),
                _ => None,
            };
            for (i, part) in parts.into_iter().enumerate() {
                let pattern = patterns.and_then(|p| p.iter().nth(i));
                add(&format!("{name}.{i}"), pattern, part, out);
            }
        }
        let mut out = Vec::new();
        let name = super::name(&self.name);
        add(&name, self.pattern.as_ref(), &self.ty, &mut out);
        out
    }

    /// The names that it binds.
    fn bound(&self) -> Vec<syn::Ident> {
        let mut out = Vec::new();
        match &self.pattern {
            Some(pattern) => names_in(pattern, &mut out),
            None => out.push(self.name.clone()),
        }
        out
    }
}

/// The names in a pattern.
fn names_in(pattern: &syn::Pat, out: &mut Vec<syn::Ident>) {
    match pattern {
        syn::Pat::Ident(i) => out.push(i.ident.clone()),
        syn::Pat::Paren(p) => names_in(&p.pat, out),
        syn::Pat::Tuple(t) => t.elems.iter().for_each(|p| names_in(p, out)),
        syn::Pat::Slice(s) => s.elems.iter().for_each(|p| names_in(p, out)),
        _ => {}
    }
}

/// Reads a free function.
pub fn of_item(item: syn::ItemFn, options: Options, errors: &Errors) -> Checked<Function> {
    if let Some(r) = item.sig.receiver() {
        return Err(errors.report(messages::receiver_outside(r)));
    }
    let may = ["where", "allow", "crate", "no_derivative", "vjp"];
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
    function.allowed = options.allowed;
    function.rule = options.rule;
    Ok(function)
}

/// Reads a method of an impl block, for whose methods `outer` holds.
pub fn of_method(mut item: syn::ImplItemFn, outer: &Options, errors: &Errors) -> Checked<Function> {
    let (mut constraints, mut allowed) = (outer.constraints.clone(), outer.allowed.clone());
    let mut no_derivative = None;
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut item.attrs) {
        if super::is_model(&attribute) {
            if let syn::Meta::List(list) = &attribute.meta {
                let options = super::options::read(list.tokens.clone(), errors)?;
                options.only(&["where", "allow", "no_derivative"], "a method", errors)?;
                allowed.extend(options.allowed);
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
    function.allowed = allowed;
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
                    Ok(p) => {
                        let mut names: Vec<syn::Ident> =
                            parameters.iter().flat_map(Parameter::bound).collect();
                        for name in p.bound() {
                            if names.contains(&name) {
                                errors.report(messages::parameter_twice(&name));
                                bad = true;
                            }
                            names.push(name);
                        }
                        parameters.push(p);
                    }
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
            if let Some(name) = array(ty) {
                return Err(errors.report(messages::array_type(ty, &name, "-> Tensor<B, 64>")));
            }
            let result = types::parameter_type(ty, errors)?;
            results(&result, ty, errors)?;
            result
        }
    };
    if bad {
        return Err(Reported);
    }
    Ok(Function {
        attributes: super::attributes::in_front(attributes),
        visibility,
        name: signature.ident,
        symbols,
        constraints: Vec::new(),
        no_derivative: None,
        allowed: Vec::new(),
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
        TypeExpr::Array(..) => Err(errors.report(messages::array_result(ty))),
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
                    TypeExpr::Tuple(_) | TypeExpr::Array(..) => {
                        return Err(errors.report(messages::nested_results(ty)));
                    }
                }
            }
            Ok(())
        }
    }
}

pub fn parameter(p: &syn::PatType, errors: &Errors) -> Checked<Parameter> {
    let (name, pattern) = match &*p.pat {
        syn::Pat::Ident(i) => {
            plain_name(&p.pat, errors)?;
            (i.ident.clone(), None)
        }
        pattern => {
            plain_name(pattern, errors)?;
            let mut names = Vec::new();
            names_in(pattern, &mut names);
            let Some(first) = names.first() else {
                return Err(errors.report(messages::parameter_pattern(pattern)));
            };
            let words: Vec<String> = names.iter().map(super::name).collect();
            let name = syn::Ident::new(&words.join("_and_"), first.span());
            (name, Some(pattern.clone()))
        }
    };
    if let Some(name) = array(&p.ty) {
        return Err(errors.report(messages::array_type(&p.ty, &name, "x: Tensor<B, 64>")));
    }
    let ty = types::parameter_type(&p.ty, errors)?;
    match &ty {
        TypeExpr::Struct(s) if is_leaf(s) => {
            return Err(errors.report(messages::leaf_parameter(&s.path)));
        }
        TypeExpr::Struct(s) if !s.reference => {
            return Err(errors.report(messages::struct_by_value(&p.ty)));
        }
        TypeExpr::Tuple(_) | TypeExpr::Array(..) => {
            tensors_only(&ty, errors)?;
            if ty.count() > PARTS || ty.count() == 0 {
                return Err(errors.report(messages::group_size(&p.ty, PARTS)));
            }
        }
        TypeExpr::Struct(_) | TypeExpr::Tensor(_) => {}
    }
    if let Some(pattern) = &pattern {
        fits(pattern, &ty, errors)?;
    }
    Ok(Parameter { name, pattern, ty })
}

/// The most tensors of a parameter: each is one of the function's program.
const PARTS: usize = 256;

/// Refuses a tuple or an array with anything but tensors in it.
fn tensors_only(ty: &TypeExpr, errors: &Errors) -> Checked<()> {
    match ty {
        TypeExpr::Tensor(_) => Ok(()),
        TypeExpr::Struct(s) => Err(errors.report(messages::struct_in_group(&s.path))),
        TypeExpr::Tuple(parts) => parts.iter().try_for_each(|p| tensors_only(p, errors)),
        TypeExpr::Array(part, _) => tensors_only(part, errors),
    }
}

/// Refuses what binds anything but names, `_`, and tuples and arrays of these.
fn plain_name(pattern: &syn::Pat, errors: &Errors) -> Checked<()> {
    let each = |parts: &syn::punctuated::Punctuated<syn::Pat, syn::Token![,]>| {
        parts.iter().try_for_each(|p| plain_name(p, errors))
    };
    match pattern {
        syn::Pat::Ident(i) if i.by_ref.is_none() && i.subpat.is_none() => match &i.mutability {
            Some(token) => Err(errors.report(messages::mutable_parameter(token))),
            None => Ok(()),
        },
        syn::Pat::Paren(p) => plain_name(&p.pat, errors),
        syn::Pat::Tuple(t) => each(&t.elems),
        syn::Pat::Slice(s) => each(&s.elems),
        syn::Pat::Wild(_) => Ok(()),
        other => Err(errors.report(messages::parameter_pattern(other))),
    }
}

/// Refuses names that are not as many as the parts of a type.
fn fits(pattern: &syn::Pat, ty: &TypeExpr, errors: &Errors) -> Checked<()> {
    let names = match pattern {
        syn::Pat::Paren(p) => return fits(&p.pat, ty, errors),
        syn::Pat::Tuple(t) => &t.elems,
        syn::Pat::Slice(s) => &s.elems,
        _ => return Ok(()),
    };
    let parts = ty.parts();
    let same = matches!(
        (pattern, ty),
        (syn::Pat::Tuple(_), TypeExpr::Tuple(_)) | (syn::Pat::Slice(_), TypeExpr::Array(..))
    );
    if !same || names.len() != parts.len() {
        return Err(errors.report(messages::parameter_names(pattern)));
    }
    let mut each = names.iter().zip(parts);
    each.try_for_each(|(pattern, part)| fits(pattern, part, errors))
}

/// Whether a type is that of a leaf, which fields have.
pub fn is_leaf(s: &types::StructType) -> bool {
    matches!(crate::signature::last(&s.path).as_str(), "Param" | "State")
}

/// The name of a type of arrays outside, borrowed or not: `Array2<f32>`, `ArrayView1<'_, f32>`, `Vec<f32>`, `[f32]`.
fn array(ty: &syn::Type) -> Option<String> {
    match super::unwrapped(ty) {
        syn::Type::Reference(r) => array(&r.elem),
        syn::Type::Slice(s) => Some(crate::messages::source(s)),
        syn::Type::Path(p) => {
            let last = p.path.segments.last()?;
            let name = last.ident.to_string();
            let called_so = name.starts_with("Array") || name == "Vec";
            (called_so && types::holds_elements(last)).then_some(name)
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

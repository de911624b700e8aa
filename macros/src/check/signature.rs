//! Functions' and structs' signatures out of their parsed types.

use super::Scope;
use crate::errors::{Checked, Errors, Reported};
use crate::hidden;
use crate::messages;
use crate::parse::structure::{Initial, SettingValue};
use crate::parse::{self, FieldKind, TypeExpr};
use crate::signature::{self, Configured, ParamType};
use proc_macro2::Span;
use sinew_ir::{Constraint, DType, Dim, Relation, Symbol, SymbolKind, SymbolType, Type};

/// Declares a function's symbols in the scope, those of its impl block first.
///
/// A symbol that stands in brackets anywhere is a sequence; everywhere then.
pub fn declare(scope: &mut Scope<'_>, outer: &[syn::Ident], f: &parse::Function) -> Checked<()> {
    let mut sequences = Vec::new();
    for p in &f.parameters {
        sequences_of(&p.ty, &mut sequences);
    }
    sequences_of(&f.result, &mut sequences);
    scope.symbols.clear();
    for ident in outer.iter().chain(&f.symbols) {
        let name = parse::name(ident);
        if scope.symbol(&name).is_some() {
            return Err(scope.errors.report(messages::symbol_twice(ident)));
        }
        let kind = match sequences.contains(&ident) {
            true => SymbolKind::Sequence,
            false => SymbolKind::SIZE,
        };
        scope.symbols.push((Symbol::new(&name), kind));
    }
    if let Some(second) = sequences.iter().find(|s| **s != sequences[0]) {
        return Err(scope.errors.report(messages::two_sequences(second)));
    }
    Ok(())
}

fn sequences_of<'a>(ty: &'a TypeExpr, out: &mut Vec<&'a syn::Ident>) {
    match ty {
        TypeExpr::Tensor(t) => out.extend(&t.sequence),
        TypeExpr::Struct(_) => {}
        TypeExpr::Tuple(parts) => parts.iter().for_each(|p| sequences_of(p, out)),
        TypeExpr::Array(part, _) => sequences_of(part, out),
    }
}

/// A function's signature. `receiver` is the struct of its impl block with its dims there.
pub fn function(
    scope: &mut Scope<'_>,
    receiver: Option<(usize, Vec<Dim>)>,
    f: &parse::Function,
) -> Checked<signature::Function> {
    let mut bad = false;
    let mut params = Vec::new();
    let struct_name = receiver
        .as_ref()
        .map(|(structure, _)| scope.registry.structs[*structure].signature.name.clone());
    if let (Some((structure, dims)), Some(_)) = (receiver, f.receiver) {
        params.push(signature::Param {
            name: "self".to_string(),
            ty: ParamType::Struct(structure, dims),
        });
    }
    for p in &f.parameters {
        match param_type(scope, &p.ty) {
            Ok(ty) => params.push(signature::Param {
                name: p.written(),
                ty,
            }),
            Err(Reported) => bad = true,
        }
    }
    let results = results(scope, &f.result);
    let outer = scope.symbols.len().saturating_sub(f.symbols.len());
    let mut constraints = Vec::new();
    for c in &f.constraints {
        match (scope.dim(&c.left), scope.dim(&c.right)) {
            (Ok(left), Ok(right)) => {
                let written = Constraint {
                    left,
                    relation: c.relation,
                    right,
                };
                constraints.push(exact_quotient(scope, &written).unwrap_or(written));
            }
            _ => bad = true,
        }
    }
    let results = results?;
    if bad {
        return Err(Reported);
    }
    let is_method = struct_name.is_some();
    let name = match struct_name {
        Some(s) => format!("{s}::{}", parse::name(&f.name)),
        None => parse::name(&f.name),
    };
    Ok(signature::Function {
        id: scope.id.clone(),
        name,
        at: place(f.span()),
        symbols: scope.symbols.clone(),
        outer,
        constraints,
        params,
        results,
        tuple: matches!(f.result, TypeExpr::Tuple(_)),
        no_derivative: f.no_derivative.clone(),
        private: is_method && !matches!(f.visibility, syn::Visibility::Public(_)),
    })
}

fn param_type(scope: &mut Scope<'_>, written: &TypeExpr) -> Checked<ParamType> {
    match written {
        TypeExpr::Tensor(t) => scope.tensor(t).map(ParamType::Tensor),
        TypeExpr::Struct(s) => scope
            .structure(s)
            .map(|(structure, dims)| ParamType::Struct(structure, dims)),
        TypeExpr::Tuple(parts) => {
            let parts: Vec<_> = parts.iter().map(|p| param_type(scope, p)).collect();
            let parts = parts.into_iter().collect::<Checked<_>>()?;
            Ok(ParamType::Tuple(parts))
        }
        TypeExpr::Array(part, count) => {
            Ok(ParamType::Array(Box::new(param_type(scope, part)?), *count))
        }
    }
}

/// `D == H * (D / H)`, which says that `H` divides `D`: the quotient becomes a symbol, so that `D` is a
/// product and every division of it by `H` is exact.
fn exact_quotient(scope: &mut Scope<'_>, c: &Constraint) -> Option<Constraint> {
    if c.relation != Relation::Equal {
        return None;
    }
    let sides = [(&c.left, &c.right), (&c.right, &c.left)];
    let divided = |(whole, product): (&Dim, &Dim)| {
        let symbol = whole.as_symbol()?;
        let divisor = product.symbols().into_iter().find(|s| {
            let divisor = Dim::from(s.clone());
            let quotient = whole.floor_div(&divisor);
            s != symbol && quotient.and_then(|q| q.checked_mul(&divisor)).as_ref() == Some(product)
        })?;
        Some((symbol.clone(), divisor))
    };
    let (whole, divisor) = sides.into_iter().find_map(divided)?;
    let wished = format!("{whole}_over_{divisor}");
    let name = hidden::fresh(&wished, &mut |name| scope.symbol(name).is_some());
    let quotient = Symbol::new(&name);
    scope.symbols.push((quotient.clone(), SymbolKind::SIZE));
    Some(Constraint {
        left: whole.into(),
        relation: Relation::Equal,
        right: Dim::from(divisor).checked_mul(&Dim::from(quotient))?,
    })
}

fn results(scope: &mut Scope<'_>, result: &TypeExpr) -> Checked<Vec<Type>> {
    match result {
        TypeExpr::Tensor(t) => Ok(vec![scope.tensor(t)?]),
        TypeExpr::Tuple(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|p| match p {
                    TypeExpr::Tensor(t) => scope.tensor(t),
                    TypeExpr::Struct(_) | TypeExpr::Tuple(_) | TypeExpr::Array(..) => Err(Reported),
                })
                .collect();
            parts.into_iter().collect()
        }
        TypeExpr::Struct(_) | TypeExpr::Array(..) => Err(Reported),
    }
}

/// A struct's signature, without methods; its children are in the scope's registry.
pub fn structure(
    scope: &mut Scope<'_>,
    s: &parse::Structure,
    marked: bool,
) -> Checked<signature::Struct> {
    let mut bad = false;
    scope.symbols = s
        .symbols
        .iter()
        .map(|i| (Symbol::new(&parse::name(i)), SymbolKind::SIZE))
        .collect();
    let mut fields = Vec::new();
    for f in &s.fields {
        let kind = match &f.kind {
            FieldKind::Param(t, initial) => {
                let kind = leaf(scope, t).map(signature::FieldKind::Param);
                inputs(scope, initial).and(kind)
            }
            FieldKind::State(t, initial) => {
                let kind = leaf(scope, t).map(signature::FieldKind::State);
                inputs(scope, initial).and(kind)
            }
            FieldKind::Child(c, count) => child(scope, c, count.as_ref()),
            FieldKind::Setting(ty, _) => Ok(signature::FieldKind::Setting(ty.symbol_type())),
        };
        match kind.and_then(|kind| Ok((default(scope, f, &kind)?, kind))) {
            Ok((default, kind)) => fields.push(signature::Field {
                name: parse::name(&f.name),
                kind,
                default,
            }),
            Err(Reported) => bad = true,
        }
    }
    if !bad {
        for (f, field) in s.fields.iter().zip(&fields) {
            bad |= child_settings(scope, &fields, f, field).is_err();
        }
    }
    if bad {
        return Err(Reported);
    }
    let leaves = fields.iter().flat_map(|f| {
        [
            scope.registry.leaves(&f.kind),
            scope.registry.setting_count(&f.kind),
        ]
    });
    if leaves.fold(0, usize::saturating_add) > LEAVES {
        let error = messages::many_leaves(&s.name, LEAVES);
        return Err(scope.errors.report(error));
    }
    Ok(signature::Struct {
        id: scope.id.clone(),
        name: parse::name(&s.name),
        at: place(s.name.span()),
        symbols: scope.symbols.iter().map(|(s, _)| s.clone()).collect(),
        fields,
        variants: Vec::new(),
        methods: Vec::new(),
        told: true,
        visibility: {
            let visibility = &s.visibility;
            quote::quote!(#visibility).to_string()
        },
        marked,
    })
}

/// The dim that an initialiser is told is one of the struct's.
fn inputs(scope: &mut Scope<'_>, initial: &Initial) -> Checked<()> {
    match &initial.inputs {
        Some(dim) => scope.dim(dim).map(drop),
        None => Ok(()),
    }
}

fn child(
    scope: &mut Scope<'_>,
    written: &parse::StructType,
    count: Option<&parse::DimExpr>,
) -> Checked<signature::FieldKind> {
    let child = scope.structure(written);
    let count = count.map(|c| scope.dim(c)).transpose();
    let (structure, dims) = child?;
    Ok(signature::FieldKind::Child(structure, dims, count?))
}

/// What a field is where nobody says, as a Rust literal; of an enum the number of the variant.
fn default(
    scope: &Scope<'_>,
    f: &parse::Field,
    kind: &signature::FieldKind,
) -> Checked<Option<String>> {
    let of_setting = match &f.kind {
        FieldKind::Setting(_, default) => default.map(SettingValue::literal),
        FieldKind::Param(..) | FieldKind::State(..) | FieldKind::Child(..) => None,
    };
    let repeated = matches!(kind, signature::FieldKind::Child(_, _, Some(_)));
    match (scope.registry.configured(kind), &f.variant) {
        (Some(Configured::Enum(_)), _) if repeated => {
            Err(scope.errors.report(messages::repeated_setting(&f.written)))
        }
        (Some(Configured::Enum(_)), _) if f.pytorch.attribute.is_some() => {
            let error = messages::pytorch_setting(&f.pytorch.attribute);
            Err(scope.errors.report(error))
        }
        (Some(Configured::Enum(position)), Some((_, path))) => {
            let of = &scope.registry.structs[position].signature;
            let name = signature::last(path);
            match of.variants.iter().position(|v| *v == name) {
                Some(number) => Ok(Some(number.to_string())),
                None => Err(scope.errors.report(messages::no_variant(path, of))),
            }
        }
        (_, Some((attribute, _))) => {
            let error = messages::default_of_no_setting(attribute);
            Err(scope.errors.report(error))
        }
        (_, None) => Ok(of_setting),
    }
}

/// What a child's configuration is: that of the same name in the struct around it, or its default.
fn child_settings(
    scope: &Scope<'_>,
    beside: &[signature::Field],
    written: &parse::Field,
    field: &signature::Field,
) -> Checked<()> {
    let registry = &scope.registry;
    let (FieldKind::Child(of, _), signature::FieldKind::Child(structure, ..)) =
        (&written.kind, &field.kind)
    else {
        return Ok(());
    };
    let child = &registry.structs[*structure].signature;
    if child.is_enum() {
        return Ok(());
    }
    let mut done = Ok(());
    for field in &child.fields {
        let Some(ty) = registry.configured(&field.kind) else {
            continue;
        };
        let own = beside.iter().find(|f| f.name == field.name);
        let own = own.and_then(|f| registry.configured(&f.kind));
        if own != Some(ty) && (own.is_some() || field.default.is_none()) {
            let ty = match ty {
                Configured::Plain(SymbolType::Float) => "f32".to_string(),
                Configured::Plain(ty) => ty.name().to_string(),
                Configured::Enum(position) => registry.structs[position].signature.name.clone(),
            };
            let error = messages::child_setting(&of.path, child, &field.name, &ty);
            done = Err(scope.errors.report(error));
        }
    }
    done
}

/// The most leaves and values of the configuration of a struct, those of its children included: each is a parameter of the functions that
/// take it, and structs that have two of each other double them at every level.
const LEAVES: usize = 1 << 14;

fn leaf(scope: &mut Scope<'_>, written: &parse::TensorType) -> Checked<Type> {
    let ty = scope.tensor(written)?;
    // The runtime packs every leaf as the working float.
    if ty.dtype != DType::Float {
        return Err(scope
            .errors
            .report(messages::leaf_type(&written.path, ty.dtype)));
    }
    Ok(ty)
}

/// A place in the source, `src/net.rs:12`.
pub fn place(span: Span) -> String {
    format!("{}:{}", span.file(), span.start().line)
}

/// Checks that no dim of an impl block's own symbols is missing: `impl<I, O> Linear<I, O>`.
pub fn receiver_dims(
    errors: &Errors,
    symbols: &[syn::Ident],
    dims: &[Dim],
    at: &syn::Path,
) -> Checked<()> {
    for ident in symbols {
        let symbol = Symbol::new(&parse::name(ident));
        if !dims.iter().any(|d| d.as_symbol() == Some(&symbol)) {
            return Err(errors.report(messages::impl_symbol(ident, at)));
        }
    }
    Ok(())
}

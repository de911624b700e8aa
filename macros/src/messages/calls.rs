//! About calls of model functions and of everything else that could be called.

use super::{Message, count, dim, error, message, shape, source, suggestion, tensor};
use crate::check::relation;
use crate::operations;
use crate::signature::{FieldKind, Function, Param, ParamType, Struct};
use quote::ToTokens;
use sinew_ir::{Constraint, Dim, Shape, Type};
use syn::Error;

pub fn plain_function(path: &syn::Path) -> Error {
    let near = path.segments.last().and_then(|last| {
        let name = last.ident.to_string();
        if let Some(here) = operations::written_here(&name) {
            return Some(format!("write {here}"));
        }
        let near = suggestion(&name, &operations::names(), "operations");
        near.starts_with("did you mean").then_some(near)
    });
    let help = match (crate::names::operation(path), near) {
        (Some(op), _) => format!("the operation is called by its name alone: `{}(..)`", op.name),
        (None, Some(near)) => near,
        (None, None) => "put `#[model]` on it if it is a function over tensors; call plain Rust outside \
                         and pass what it gives; operations keep their names, whatever `use .. as` says"
            .to_string(),
    };
    error(
        path,
        "call",
        &format!(
            "`{}` is neither a model function nor an operation",
            source(path)
        ),
        &help,
    )
}

/// A plain name of an operation that the prelude does not bring, where it means neither that nor a model function.
pub fn operation_without_an_import(name: &syn::Ident, op: &operations::Operation) -> Error {
    let method = match op.usage().starts_with("`x.") {
        true => "; as a method, it needs none",
        false => "",
    };
    error(
        name,
        "call",
        &format!("`{name}` is no model function, and the operation of that name is not imported"),
        &format!("write `use sinew::ops::{};`{method}", op.name),
    )
}

pub fn struct_called(path: &syn::Path) -> Error {
    error(
        path,
        "call",
        &format!("`{}` is a struct", source(path)),
        "call one of its methods: `m.forward(x)`",
    )
}

pub fn not_callable(call: &syn::ExprCall) -> Error {
    let help = match crate::names::unwrapped(&call.func) {
        // `grad(|x| f(x))(x)`, as others write it.
        syn::Expr::Call(inner)
            if matches!(inner.args.first(), Some(syn::Expr::Closure(_)))
                && !call.args.is_empty() =>
        {
            let name = source(&inner.func);
            let arguments: Vec<String> = call.args.iter().map(source).collect();
            format!(
                "`{name}(..)` gives a value; what its function is called with stands behind it: `{name}({}, {})`",
                source(&inner.args),
                arguments.join(", ")
            )
        }
        _ => "call a model function by its path, or a method: `x.relu()`".to_string(),
    };
    error(&call.func, "call", "this is no function", &help)
}

pub fn local_called(name: &syn::Ident, what: &str) -> Error {
    error(
        name,
        "call",
        &format!("`{name}` is {what} here, not a function"),
        "rename the variable, or call the operation as a method",
    )
}

pub fn call_without_derivative(at: &impl ToTokens, f: &Function, why: &str) -> Message {
    message(
        at,
        "call",
        &format!("`{}` has no derivative: {why}", f.name),
        &[("declared", format!("{} at {}", print_signature(f), f.at))],
        "`stop_gradient(..)` keeps what it gives out of the derivative; a function that is never \
         differentiated says `#[model(no_derivative)]`",
    )
}

pub fn named_argument(name: &syn::Expr) -> Error {
    error(
        name,
        "call",
        "model functions take their arguments by position",
        "named arguments are for operations: `x.sum(-1, keepdims = true)`",
    )
}

pub fn no_struct_method(name: &syn::Ident, structure: &Struct) -> Error {
    let known: Vec<String> = structure
        .methods
        .iter()
        .filter_map(|m| m.name.rsplit("::").next().map(ToString::to_string))
        .collect();
    let of_struct = &structure.name;
    let makes = ["init", "new", "default"].contains(&name.to_string().as_str());
    let field = structure.fields.iter().find(|f| *name == f.name);
    let help = match field.map(|f| &f.kind) {
        // `m.hidden(x)`, as PyTorch calls its layers.
        Some(FieldKind::Child(_, _, None)) => {
            format!("`{name}` is a field: call a method of it, `.{name}.forward(..)`")
        }
        Some(_) => format!("`{name}` is a field: write `.{name}`, without parentheses"),
        None if makes => format!("a model is an argument: `m: &{of_struct}`"),
        None if !known.is_empty() => suggestion(&name.to_string(), &known, "methods"),
        None => format!(
            "methods stand in `#[model] impl {of_struct} {{ .. }}`, and the struct says `#[model(methods)]`"
        ),
    };
    error(
        name,
        "call",
        &format!(
            "`{}` (declared at {}) has no method `{name}`",
            structure.name, structure.at
        ),
        &help,
    )
}

pub(super) fn print_signature(f: &Function) -> String {
    let params: Vec<String> = f
        .params
        .iter()
        .map(|p| match &p.ty {
            ParamType::Struct(..) if p.name == "self" => "&self".to_string(),
            ParamType::Struct(..) => format!("{}: &..", p.name),
            tensors => format!("{}: {}", p.name, param_type(tensors)),
        })
        .collect();
    let results: Vec<String> = f.results.iter().map(tensor).collect();
    let results = match f.tuple {
        true => format!("({})", results.join(", ")),
        false => results.join(""),
    };
    format!("fn {}({}) -> {results}", f.name, params.join(", "))
}

/// A parameter's type, as it is written.
fn param_type(ty: &ParamType) -> String {
    match ty {
        ParamType::Tensor(t) => tensor(t),
        ParamType::Struct(..) => "a struct".to_string(),
        ParamType::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(param_type).collect();
            format!("({})", parts.join(", "))
        }
        ParamType::Array(part, count) => format!("[{}; {count}]", param_type(part)),
    }
}

pub fn argument_count(at: &impl ToTokens, f: &Function, found: usize) -> Error {
    let hidden = usize::from(f.params.first().is_some_and(|p| p.name == "self"));
    let wanted = f.params.len() - hidden;
    message(
        at,
        "call",
        &format!(
            "`{}` takes {}, and has {}",
            f.name,
            count(wanted, "argument"),
            found.saturating_sub(hidden)
        ),
        &[("declared", format!("{} at {}", print_signature(f), f.at))],
        "give each parameter one argument, in order",
    )
    .into_error()
}

pub fn state_twice(at: &impl ToTokens, f: &Function, p: &Param, state: &str) -> Error {
    message(
        at,
        "call",
        &format!(
            "`{}` of `{}` has the state `{state}`, which an argument before it has too",
            p.name, f.name
        ),
        &[("declared", format!("{} at {}", print_signature(f), f.at))],
        "a call may change the states that it is given, so it is given each of them once",
    )
    .into_error()
}

pub fn argument_kind(at: &impl ToTokens, f: &Function, p: &Param, what: &str) -> Error {
    let wanted = param_type(&p.ty);
    message(
        at,
        "call",
        &format!(
            "`{}` of `{}` is {wanted}, and this is {what}",
            p.name, f.name
        ),
        &[("declared", format!("{} at {}", print_signature(f), f.at))],
        "pass the arguments in the order they are declared",
    )
    .into_error()
}

pub fn other_struct(
    at: &impl ToTokens,
    f: &Function,
    p: &Param,
    expected: &Struct,
    found: &Struct,
) -> Error {
    let wrong = format!(
        "`{}` of `{}` is `{}`, and this is `{}`",
        p.name, f.name, expected.name, found.name
    );
    super::struct_mismatch(at, expected, found, &wrong).into_error()
}

/// A struct for one of which the name alone is known, `expected`.
pub fn not_the_named_struct(
    at: &impl ToTokens,
    f: &Function,
    p: &Param,
    expected: &str,
    found: &Struct,
) -> Message {
    let what = format!(
        "`{}` of `{}` is not the struct `{}` that is passed here",
        p.name, f.name, found.name
    );
    let facts = [
        (
            "expected",
            format!(
                "{expected}, as `{}` names it (declared at {})",
                f.name, f.at
            ),
        ),
        (
            "found",
            format!("{} (declared at {})", found.name, found.at),
        ),
    ];
    message(
        at,
        "call",
        &what,
        &facts,
        "pass a struct of the declared type",
    )
}

pub fn argument(
    at: &impl ToTokens,
    f: &Function,
    p: &Param,
    declared: &Type,
    found: &Type,
) -> Message {
    let wrong = if declared.dtype != found.dtype {
        format!(
            "`{}` of `{}` has elements of {}, and this has {}",
            p.name,
            f.name,
            super::word(declared.dtype),
            super::word(found.dtype)
        )
    } else {
        let declared = match declared.shape.sequence {
            Some(_) => format!("at least {}", count(declared.shape.dims.len(), "dim")),
            None => count(declared.shape.dims.len(), "dim"),
        };
        let found = match &found.shape.sequence {
            Some(s) => format!("`[{s}]` and {} more", found.shape.dims.len()),
            None => found.shape.dims.len().to_string(),
        };
        format!(
            "`{}` of `{}` has {declared}, and this has {found}",
            p.name, f.name
        )
    };
    let help = match declared.dtype == found.dtype {
        true => "reshape it, or reduce an axis: `x.reshape([..])`, `x.mean(-1)`".to_string(),
        false => format!(
            "cast it: `{}.cast({})`; nothing is converted silently",
            source(at),
            declared.dtype
        ),
    };
    let facts = [
        ("declared", format!("{} (at {})", tensor(declared), f.at)),
        ("found", format!("{} for `{}`", tensor(found), source(at))),
    ];
    message(at, "call", &wrong, &facts, &help)
}

pub fn argument_dim(
    at: &impl ToTokens,
    (f, p): (&Function, &Param),
    (what, receiver): (&str, Option<String>),
    declared: &Dim,
    expected: &Dim,
    actual: &Dim,
) -> Message {
    let wanted = match declared == expected {
        true => format!("`{}`", dim(expected)),
        false => format!("`{}` (its `{}`)", dim(expected), dim(declared)),
    };
    let ty = param_type(&p.ty);
    let number = |d: &Dim| d.as_constant().is_some();
    let help = match number(expected) && number(actual) {
        true => "change one of the sizes, or the order of what is called",
        false => {
            "sizes must be equal for all values of the symbols: use one symbol for both, or declare it with `#[model(where(..))]`"
        }
    };
    let mut facts = vec![
        ("declared", format!("{ty} (at {})", f.at)),
        ("found", format!("{what} for `{}`", source(at))),
    ];
    facts.extend(receiver.map(|r| ("receiver", r)));
    message(
        at,
        "call",
        &format!(
            "`{}` of `{}` needs {wanted} where this has `{}`",
            p.name,
            f.name,
            dim(actual)
        ),
        &facts,
        help,
    )
}

pub fn sequence_misfit(
    at: &impl ToTokens,
    f: &Function,
    p: &Param,
    found: &Type,
    bound: &Shape,
) -> Error {
    message(
        at,
        "call",
        &format!(
            "the leading dims of `{}` of `{}` differ from those of an argument before it",
            p.name, f.name
        ),
        &[
            ("before", format!("[{}]", shape(bound))),
            ("found", format!("{} for `{}`", tensor(found), source(at))),
        ],
        "arguments with the same `[S]` have the same leading dims; `expand([..])` repeats",
    )
    .into_error()
}

pub fn not_inferred(at: &impl ToTokens, f: &Function, symbol: &str) -> Error {
    message(
        at,
        "call",
        &format!("nothing tells what `{symbol}` of `{}` is here", f.name),
        &[("declared", format!("{} at {}", print_signature(f), f.at))],
        &format!(
            "give it in the call, `{}::<..>(..)`, or add an argument with a dim that is it",
            f.name
        ),
    )
    .into_error()
}

/// A size that must be a multiple of another, which are what is declared and what is here.
pub fn no_multiple(
    at: &impl ToTokens,
    f: &Function,
    declared: (&Dim, &Dim),
    (whole, by): (&Dim, &Dim),
) -> Error {
    let mut symbols = whole.symbols().into_iter().chain(by.symbols());
    let (whole, by) = (dim(whole), dim(by));
    let help = match symbols.all(|s| relation::is_const(&s)) {
        true => format!("change the sizes here, or what `{}` asks of them", f.name),
        false => {
            format!("declare it here too: `#[model(where({whole} == {by} * ({whole} / {by})))]`")
        }
    };
    message(
        at,
        "where",
        &format!(
            "`{}` needs {} to be a multiple of {}",
            f.name,
            dim(declared.0),
            dim(declared.1)
        ),
        &[
            ("here", format!("{whole} and {by}")),
            ("declared", f.at.clone()),
        ],
        &help,
    )
    .into_error()
}

pub fn constraint(
    at: &impl ToTokens,
    f: &Function,
    c: &Constraint,
    left: &Dim,
    right: &Dim,
) -> Message {
    let symbols = || left.symbols().into_iter().chain(right.symbols());
    // What no symbol of this function can change is not its caller's to promise.
    let help = match symbols().all(|s| relation::is_const(&s)) {
        true => format!("change the sizes here, or what `{}` asks of them", f.name),
        false => format!(
            "declare it here too: `#[model(where({} {} {}))]`",
            dim(left),
            c.relation.sign(),
            dim(right)
        ),
    };
    message(
        at,
        "where",
        &format!(
            "`{}` needs {} {} {}",
            f.name,
            dim(&c.left),
            c.relation.sign(),
            dim(&c.right)
        ),
        &[
            (
                "here",
                format!("{} {} {}", dim(left), c.relation.sign(), dim(right)),
            ),
            ("declared", f.at.clone()),
        ],
        &help,
    )
}

pub fn assumption(at: &impl ToTokens, name: &str, c: &Constraint) -> Message {
    message(
        at,
        "where",
        &format!(
            "`{name}` needs {} {} {}",
            dim(&c.left),
            c.relation.sign(),
            dim(&c.right)
        ),
        &[],
        "change the consts, or what is declared of them",
    )
}

pub fn symbol_count(at: &impl ToTokens, f: &Function) -> Error {
    let symbols: Vec<&str> = f.symbols.iter().map(|(s, _)| s.name()).collect();
    error(
        at,
        "call",
        &format!(
            "these do not fit the symbols of `{}`: <{}>",
            f.name,
            symbols.join(", ")
        ),
        "give a dim for each, or `_` for those that arguments tell (sequences always)",
    )
}

pub fn no_receiver_for_dims(at: &impl ToTokens, f: &Function) -> Error {
    error(
        at,
        "call",
        &format!(
            "`{}` has no `&self` that these dims would be those of",
            f.name
        ),
        "leave them out; dims of the function itself stand behind its name",
    )
}

pub fn struct_dims_count(at: &impl ToTokens, f: &Function, declared: &[Dim]) -> Error {
    let declared: Vec<String> = declared.iter().map(dim).collect();
    error(
        at,
        "call",
        &format!(
            "these do not fit the dims of the struct of `{}`: <{}>",
            f.name,
            declared.join(", ")
        ),
        "give one for each, or `_` for those that arguments tell",
    )
}

pub fn struct_dim(at: &impl ToTokens, f: &Function, declared: &Dim, given: &Dim) -> Message {
    message(
        at,
        "call",
        &format!(
            "`{}` is for `{}` where this gives `{}`",
            f.name,
            dim(declared),
            dim(given)
        ),
        &[("declared", f.at.clone())],
        "give the dims that its `impl` has, or leave them out",
    )
}

/// `through` are the functions that it calls on the way to itself, in order.
pub fn recursion(at: &impl ToTokens, name: &str, through: &[String]) -> Error {
    let through: Vec<String> = through.iter().map(|f| format!("`{f}`")).collect();
    let through = match through.is_empty() {
        true => String::new(),
        false => format!(" through {}", through.join(", ")),
    };
    error(
        at,
        "call",
        &format!(
            "`{name}` calls itself{through}, and a program of fixed shapes has no end to that"
        ),
        "write the steps out in another function",
    )
}

/// A model function that is private in another module.
pub fn private_function(path: &syn::Path) -> Error {
    let name = crate::signature::last(path);
    error(
        path,
        "call",
        &format!("`{}` is private in its module", source(path)),
        &format!("write `pub fn {name}` there"),
    )
}

/// A called path of which the first part is nothing.
pub fn path_nowhere(path: &syn::Path) -> Error {
    let name = crate::signature::last(path);
    let first = path.segments.first().map(|s| crate::parse::name(&s.ident));
    let first = first.unwrap_or_default();
    let help = match (operations::find(&name), operations::written_here(&name)) {
        (Some(op), _) => format!("the operation is {}", op.usage()),
        (None, Some(how)) => format!("write {how}"),
        (None, None) => format!("declare `mod {first};`, or import it: `use crate::{first};`"),
    };
    let what = format!(
        "`{}` leads nowhere: nothing is called `{first}` here",
        source(path)
    );
    error(path, "call", &what, &help)
}

//! Sizes in bodies: dims whose names are local sizes, symbols, consts and fields.

use super::Lowerer;
use super::arguments::plain;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::messages;
use crate::parse::{self, dims};
use sinew_ir::Dim;
use syn::visit_mut::VisitMut;

/// The fields in an expression of sizes, each with the name that stands in its place.
#[derive(Default)]
struct Fields(Vec<(String, syn::Expr)>);

impl VisitMut for Fields {
    fn visit_expr_mut(&mut self, e: &mut syn::Expr) {
        if !matches!(e, syn::Expr::Field(_)) {
            return syn::visit_mut::visit_expr_mut(self, e);
        }
        let name = hidden::field(self.0.len(), parse::start(&*e));
        let path = syn::Expr::Path(syn::ExprPath {
            attrs: Vec::new(),
            qself: None,
            path: name.clone().into(),
        });
        self.0.push((name.to_string(), std::mem::replace(e, path)));
    }
}

impl Lowerer<'_, '_> {
    /// One dim; a name is a local size before it is a symbol, and a field is what it is in its struct.
    pub fn dim_expr(&mut self, e: &syn::Expr) -> Checked<Dim> {
        let mut e = plain(e).clone();
        let mut fields = Fields::default();
        fields.visit_expr_mut(&mut e);
        self.locals.enter();
        let mut read = Ok(());
        for (name, field) in fields.0 {
            match self.field_size(&field) {
                Ok(dim) => self.bind(&name, Val::Size(dim)),
                Err(Reported) => read = Err(Reported),
            }
        }
        let dim = read.and_then(|()| self.dim_of_names(&e));
        self.locals.leave();
        dim
    }

    /// A field that is a size.
    fn field_size(&mut self, field: &syn::Expr) -> Checked<Dim> {
        match self.expression(field)? {
            Val::Size(dim) => Ok(dim),
            Val::Broken => Err(Reported),
            val => {
                let what = self.describe(&val);
                Err(self.report(messages::not_a_size(field, &what)))
            }
        }
    }

    fn dim_of_names(&mut self, e: &syn::Expr) -> Checked<Dim> {
        let read = self.scope.errors.check(dims::of_expr(plain(e)))?;
        let mut broken = false;
        let resolved = read.resolve(&mut |path| {
            let local = path.get_ident().map(parse::name);
            match local.and_then(|name| self.lookup(&name).cloned()) {
                None => self.scope.name(path),
                Some(Val::Broken) => {
                    broken = true;
                    Ok(Dim::default())
                }
                Some(val) => self.size_of(&val, path),
            }
        });
        if broken {
            return Err(Reported);
        }
        let dim = self.scope.resolved(&read, resolved)?;
        self.dim(&dim)
    }
}

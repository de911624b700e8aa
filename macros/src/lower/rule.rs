//! Functions whose derivative is written by hand: `#[model(vjp = rule)]`.
//!
//! The body becomes a part, and the function a call of that part with the rule beside it. The rule is called
//! where a pullback would be, so it is compared here with what it will be given there: tensor by tensor, for
//! tuples and arrays are tensors side by side to both.

use super::invoke::Invocation;
use super::{Lowerer, Mention, circles};
use crate::check::scope;
use crate::check::unify::{Instance, Pending};
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::messages;
use crate::parse;
use crate::signature::{Function, ParamType};
use quote::{ToTokens, quote};
use sinew_ir::{Call, CallMode, CalleeInfo, Inst, Target, Type, Value};

/// What a rule is given for one of its parameters.
struct Given {
    /// In words.
    what: String,
    ty: Type,
}

impl Lowerer<'_, '_> {
    /// The results of a function with a rule.
    pub(super) fn with_rule(
        &mut self,
        path: &syn::Path,
        parsed: &parse::Function,
    ) -> Checked<Vec<Value>> {
        let rule = match self.mentions.get(&scope::key(path)) {
            Some(Mention::Function(rule)) => rule.clone(),
            Some(Mention::Broken) => return Err(Reported),
            Some(Mention::Struct(_) | Mention::Operation | Mention::NoItem) | None => {
                return Err(self.report(messages::rule_of_nothing(path)));
            }
        };
        self.differentiable(path)?;
        let params: Vec<Value> = (0..self.parameters.params.len())
            .filter_map(|i| u32::try_from(i).ok().map(Value))
            .collect();
        self.open_part();
        let results = self.returned(parsed);
        let start = self.close_part();
        let results = results?;
        let by = self.rule(path, &rule, &params, &results)?;
        let lifted = self.lift("body", start, &params, &results);
        self.locate(parse::start(path));
        let types = results.iter().map(|r| self.builder.type_of(*r).clone());
        let types: Vec<Type> = types.collect();
        let made: Vec<Value> = types.into_iter().map(|t| self.builder.value(t)).collect();
        let location = self.builder.location;
        let mut call = Call::plain(lifted.target, params, made.clone(), location);
        call.mode = CallMode::Rule(by);
        self.builder.insts.push(Inst::Call(call));
        Ok(made)
    }

    /// Whether there is something that a rule is of, and no model.
    fn differentiable(&mut self, path: &syn::Path) -> Checked<()> {
        let signature = self.signature;
        let mut floats = 0;
        for (name, ty) in signature.flat_params() {
            match ty {
                ParamType::Tensor(t) => floats += usize::from(t.dtype.is_float()),
                ParamType::Struct(..) => {
                    let error = messages::rule_of_a_model(path, signature, &name);
                    return Err(self.report(error));
                }
                ParamType::Tuple(_) | ParamType::Array(..) => {}
            }
        }
        if floats == 0 {
            let error = messages::rule_without_floats(path, signature, "parameter");
            return Err(self.report(error));
        }
        match signature.results.iter().any(|t| t.dtype.is_float()) {
            true => Ok(()),
            false => {
                let error = messages::rule_without_floats(path, signature, "result");
                Err(self.report(error))
            }
        }
    }

    /// The rule as it is called for values of these types.
    fn rule(
        &mut self,
        path: &syn::Path,
        rule: &Function,
        params: &[Value],
        results: &[Value],
    ) -> Checked<Target> {
        let signature = self.signature;
        // As the body calls them: the parts of a pattern have names of their own.
        let names: Vec<String> = self
            .parameters
            .params
            .iter()
            .map(|p| p.name.clone())
            .collect();
        let mut given: Vec<Given> = Vec::new();
        for (name, v) in names.iter().zip(params) {
            let (what, ty) = (format!("`{name}`"), self.builder.type_of(*v).clone());
            given.push(Given { what, ty });
        }
        for v in results {
            let ty = self.builder.type_of(*v).clone();
            if ty.dtype.is_float() {
                let what = "the cotangent of a result".to_string();
                given.push(Given { what, ty });
            }
        }
        let taken = rule.flat_params().len();
        if taken != given.len() {
            let error = messages::rule_parameters(path, (signature, rule), taken, given.len());
            return Err(self.report(error));
        }
        if let Some(through) = circles::closed(signature, rule) {
            let error = messages::recursion(path, &signature.name, &through);
            return Err(self.report(error));
        }
        let unit = hidden::unit();
        let at = path.to_token_stream();
        let mut call = Invocation {
            callee: rule,
            unit: quote!(#path::#unit),
            given: Vec::new(),
            instance: Instance::default(),
            at: &at,
        };
        self.rule_arguments(path, &mut call, &given)?;
        self.check_constraints(&call)?;
        let wanted: Vec<(&str, &Type)> = names
            .iter()
            .map(String::as_str)
            .zip(given.iter().map(|g| &g.ty))
            .filter(|(_, ty)| ty.dtype.is_float())
            .collect();
        self.rule_results(path, &call, &wanted)?;
        let symbols = self.symbol_terms(&call)?;
        let name = self.callees.name_for(&rule.name, call.unit);
        let info = CalleeInfo::assumed(given.iter().map(|g| &g.ty), rule.results.iter());
        self.places.callees.insert(name.clone(), info);
        Ok(Target {
            name,
            symbols,
            sequence: call.instance.sequence,
            maps: Vec::new(),
        })
    }

    /// Compares what the rule takes with what it is given; with that its symbols are known.
    fn rule_arguments(
        &mut self,
        path: &syn::Path,
        call: &mut Invocation<'_>,
        given: &[Given],
    ) -> Checked<()> {
        let (f, rule) = (self.signature, call.callee);
        let mut pending: Vec<Pending> = Vec::new();
        let params = rule.flat_params();
        let message = |i: usize| {
            let Given { what, ty } = &given[i];
            messages::rule_parameter(path, (f, rule), &params[i].0, what, ty)
        };
        for (i, (Given { ty, .. }, (_, declared))) in given.iter().zip(&params).enumerate() {
            let fits = match declared {
                ParamType::Tensor(declared) if declared.dtype == ty.dtype => call
                    .instance
                    .shape(&rule.symbols, &declared.shape, &ty.shape, i, &mut pending)
                    .is_ok(),
                ParamType::Tensor(_)
                | ParamType::Struct(..)
                | ParamType::Tuple(_)
                | ParamType::Array(..) => false,
            };
            if !fits {
                return Err(self.report(message(i).into_error()));
            }
        }
        for dim in call.instance.sizes.values_mut() {
            *dim = self.dim(dim)?;
        }
        call.solve(&pending);
        for p in pending {
            let expected = match p.resolved {
                true => Some(p.declared.clone()),
                false => call.apply(&p.declared),
            };
            let message = message(p.argument);
            match expected {
                Some(expected) => self.equal(&p.actual, &expected, &message)?,
                None => return Err(self.report(message.into_error())),
            }
        }
        Ok(())
    }

    /// Compares what the rule gives with the parameters that it is for.
    fn rule_results(
        &mut self,
        path: &syn::Path,
        call: &Invocation<'_>,
        wanted: &[(&str, &Type)],
    ) -> Checked<()> {
        let (f, rule) = (self.signature, call.callee);
        if rule.results.len() != wanted.len() {
            let error = messages::rule_results(path, f, rule, wanted.len());
            return Err(self.report(error));
        }
        for (declared, (name, wanted)) in rule.results.iter().zip(wanted) {
            let message =
                |found: &Type| messages::rule_result(path, (f, rule), name, wanted, found);
            let Some(shape) = call.apply_shape(&declared.shape) else {
                return Err(self.report(message(declared).into_error()));
            };
            let found = self.equations.ty(&Type::new(declared.dtype, shape));
            let found = found.ok_or_else(|| self.overflow(parse::start(path)))?;
            self.same_type(&found, wanted, &message(&found))?;
        }
        Ok(())
    }
}

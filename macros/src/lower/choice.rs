//! `if` and `match`: a choice that is made where symbols are bound.
//!
//! Each arm is lowered where it stands and becomes a function of its own. All of them take the same
//! values of the outside, and give what the choice is, the variables that one of them assigns to, the
//! states that one of them changes, and what they push onto lists: all of them as much.

use super::Lowerer;
use super::assignment::Pushed;
use super::condition;
use super::lift::captures;
use super::loops::Assigned;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use sinew_ir::{Alternative, Block, Call, CallMode, Condition, Inst, Value};
use std::borrow::Cow;
use syn::spanned::Spanned;

/// An arm.
pub(super) struct Arm<'a> {
    /// When it is the one, if none before it is; `None` for the last.
    pub when: Option<Condition>,
    /// What it does.
    pub body: Body<'a>,
}

/// What an arm does.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// Statements, and perhaps a value.
    Block(&'a syn::Block),
    /// A value alone.
    Value(&'a syn::Expr),
    /// Nothing: there is no `else`.
    Nothing,
}

/// What an arm leaves.
pub(super) struct End {
    insts: Vec<Inst>,
    /// Its value, of an arm that has one.
    value: Option<Val>,
    /// The tensors of each assigned variable, and the states.
    changed: Vec<Value>,
    /// What it pushes onto each list that an arm pushes onto, as one piece.
    pub pushed: Vec<Option<Value>>,
}

impl Lowerer<'_, '_> {
    /// `if c { .. } else { .. }` as a value.
    pub(super) fn if_value(&mut self, e: &syn::ExprIf) -> Checked<Val> {
        let arms = self.arms_of_if(e)?;
        if matches!(arms.last().map(|a| a.body), Some(Body::Nothing)) {
            return Err(self.report(messages::if_without_else(&e.if_token)));
        }
        if let Some(body) = self.known_arm(&arms) {
            return match body {
                Body::Block(block) => self.block(block),
                Body::Value(e) => self.expression(e),
                Body::Nothing => Ok(Val::Broken),
            };
        }
        let value = self.choice(e.if_token.span, &arms, true)?;
        Ok(value.unwrap_or(Val::Broken))
    }

    /// `if c { .. }` for what it assigns.
    pub(super) fn if_statement(&mut self, e: &syn::ExprIf) -> Checked<()> {
        let arms = self.arms_of_if(e)?;
        self.choice(e.if_token.span, &arms, false).map(|_| ())
    }

    fn arms_of_if<'a>(&mut self, mut e: &'a syn::ExprIf) -> Checked<Vec<Arm<'a>>> {
        let mut arms = Vec::new();
        loop {
            arms.push(Arm {
                when: Some(self.condition(&e.cond)?),
                body: Body::Block(&e.then_branch),
            });
            let otherwise = e.else_branch.as_ref().map(|(_, other)| &**other);
            let body = match otherwise {
                Some(syn::Expr::If(next)) => {
                    e = next;
                    continue;
                }
                Some(syn::Expr::Block(b)) => Body::Block(&b.block),
                Some(other) => Body::Value(other),
                None => Body::Nothing,
            };
            arms.push(Arm { when: None, body });
            return Ok(arms);
        }
    }

    /// Lowers all arms and adds the call that one of them is. Gives its value where one is wanted.
    pub(super) fn choice(
        &mut self,
        at: Span,
        arms: &[Arm<'_>],
        wants_value: bool,
    ) -> Checked<Option<Val>> {
        let mut names = Vec::new();
        let mut lists = Vec::new();
        for block in arms.iter().filter_map(|a| block_of(a.body)) {
            names.extend(self.assigned_in(&block));
            lists.extend(self.pushed_in(&block));
        }
        names.sort();
        names.dedup();
        lists.sort();
        lists.dedup();
        let mut assigned = Vec::new();
        for name in names {
            assigned.push(self.start_of(name)?);
        }
        let mut ends: Vec<Checked<End>> = Vec::new();
        for arm in arms {
            let end = self.arm(arm.body, &assigned, &lists, wants_value);
            ends.push(end);
        }
        let ends: Checked<Vec<End>> = ends.into_iter().collect();
        let chosen = ends.and_then(|ends| {
            self.same_values(arms, &ends)?;
            self.same_pushes(at, arms, &ends, &lists)?;
            Ok(ends)
        });
        match chosen {
            Ok(ends) => Ok(self.add_choice(at, arms, &assigned, ends, &lists)),
            Err(Reported) => {
                self.break_lists(&lists);
                for a in &assigned {
                    if let Some(local) = self.locals.get_mut(&a.name) {
                        local.val = Val::Broken;
                    }
                }
                Err(Reported)
            }
        }
    }

    /// Lowers an arm, and takes its instructions out: names, states and lists are as before.
    fn arm(
        &mut self,
        body: Body<'_>,
        assigned: &[Assigned],
        lists: &[Pushed],
        wants_value: bool,
    ) -> Checked<End> {
        self.open_part();
        let before: Vec<Val> = assigned
            .iter()
            .map(|a| self.lookup(&a.name).cloned().unwrap_or(Val::Broken))
            .collect();
        let states: Vec<Value> = self.parameters.places.iter().map(|p| p.now).collect();
        let pieces = lists.iter().map(|list| self.lists[list.list].pieces.len());
        let pieces: Vec<usize> = pieces.collect();
        let value = self.arm_value(body, wants_value);
        let ends = value.and_then(|value| {
            let ends = self.ends_of(body, assigned)?;
            Ok((value, ends, self.pushed_in_arm(lists, &pieces)?))
        });
        for (list, before) in lists.iter().zip(&pieces) {
            self.lists[list.list].pieces.truncate(*before);
        }
        let start = self.close_part();
        let insts = self.builder.insts.split_off(start);
        let now = self.parameters.places.iter().map(|p| p.now);
        let now: Vec<Value> = now.take(states.len()).collect();
        for (place, before) in self.parameters.places.iter_mut().zip(&states) {
            place.now = *before;
        }
        for (a, val) in assigned.iter().zip(before) {
            if let Some(local) = self.locals.get_mut(&a.name) {
                local.val = val;
            }
        }
        let (value, mut changed, pushed) = ends?;
        changed.extend(now);
        Ok(End {
            insts,
            value,
            changed,
            pushed,
        })
    }

    fn arm_value(&mut self, body: Body<'_>, wants_value: bool) -> Checked<Option<Val>> {
        match (body, wants_value) {
            (Body::Nothing, _) => Ok(None),
            (Body::Block(block), true) => {
                let val = self.block(block)?;
                let at = super::pattern::tail(block);
                self.as_tensors(val, &at).map(Some)
            }
            (Body::Value(e), true) => {
                let val = self.expression(e)?;
                self.as_tensors(val, &e.to_token_stream()).map(Some)
            }
            (Body::Block(block), false) => {
                self.locals.enter();
                let done = self.statements_without_value(block, messages::value_of_arm);
                self.locals.leave();
                done.map(|()| None)
            }
            (Body::Value(syn::Expr::Block(b)), false) => {
                self.arm_value(Body::Block(&b.block), false)
            }
            (Body::Value(e), false) => self.statement(e).map(|()| None),
        }
    }

    /// The tensors of the assigned variables behind an arm, of the types that they had.
    fn ends_of(&mut self, body: Body<'_>, assigned: &[Assigned]) -> Checked<Vec<Value>> {
        let mut ends = Vec::new();
        for a in assigned {
            let val = self.lookup(&a.name).cloned().unwrap_or(Val::Broken);
            let at = match body {
                Body::Block(block) => super::assignment::last_assigned(block, &a.name),
                Body::Value(e) => Some(e.to_token_stream()),
                Body::Nothing => None,
            };
            let at = at.unwrap_or_default();
            let end = self.as_tensors(val, &at)?.tensors();
            if end.len() != a.before.len() {
                return Err(self.report(messages::assigned_parts(&at, &a.name)));
            }
            for (before, end) in a.before.iter().zip(&end) {
                let before = self.builder.type_of(*before).clone();
                let end = self.builder.type_of(*end).clone();
                let message = messages::assigned_type(&at, &a.name, &before, &end);
                self.same_type(&before, &end, &message)?;
            }
            ends.extend(end);
        }
        Ok(ends)
    }

    /// The values of all arms are of the types of the first one's.
    fn same_values(&mut self, arms: &[Arm<'_>], ends: &[End]) -> Checked<()> {
        let values: Vec<Option<Val>> = ends.iter().map(|e| e.value.clone()).collect();
        let Some(Some(first)) = values.first() else {
            return Ok(());
        };
        let expected = first.tensors();
        for (arm, value) in arms.iter().zip(&values).skip(1) {
            let at = match arm.body {
                Body::Block(block) => super::pattern::tail(block),
                Body::Value(e) => e.to_token_stream(),
                Body::Nothing => TokenStream::new(),
            };
            let found = value.as_ref().map(Val::tensors).unwrap_or_default();
            if found.len() != expected.len() {
                return Err(self.report(messages::arm_parts(&at, expected.len(), found.len())));
            }
            for (expected, found) in expected.iter().zip(&found) {
                let expected = self.builder.type_of(*expected).clone();
                let found = self.builder.type_of(*found).clone();
                let message = messages::arm_type(&at, &expected, &found);
                self.same_type(&found, &expected, &message)?;
            }
        }
        Ok(())
    }

    /// The call, and what it leaves to variables, states and lists.
    fn add_choice(
        &mut self,
        at: Span,
        arms: &[Arm<'_>],
        assigned: &[Assigned],
        ends: Vec<End>,
        lists: &[Pushed],
    ) -> Option<Val> {
        let before = assigned.iter().flat_map(|a| a.before.iter().copied());
        let states = self.parameters.places.iter().map(|p| p.now);
        let before: Vec<Value> = before.chain(states).collect();
        let is_changed = |i: &usize| ends.iter().any(|e| e.changed[*i] != before[*i]);
        let changed: Vec<usize> = (0..before.len()).filter(is_changed).collect();
        let mut value = ends.first().and_then(|e| e.value.clone());
        let pushed = ends.first().into_iter().flat_map(|e| &e.pushed);
        let filled = lists
            .iter()
            .zip(pushed)
            .filter(|(_, piece)| piece.is_some());
        let filled: Vec<usize> = filled.map(|(list, _)| list.list).collect();
        let bodies: Vec<Block> = ends
            .into_iter()
            .map(|end| {
                let values = end.value.iter().flat_map(Val::tensors);
                let results = values.chain(changed.iter().map(|i| end.changed[*i]));
                let results = results.chain(end.pushed.into_iter().flatten());
                Block {
                    params: Vec::new(),
                    results: results.collect(),
                    insts: end.insts,
                }
            })
            .collect();
        let results = bodies
            .first()
            .map(|b| b.results.clone())
            .unwrap_or_default();
        if results.is_empty() {
            return value;
        }
        let captured = captures(&bodies.iter().collect::<Vec<_>>());
        let mut targets = Vec::new();
        for mut body in bodies {
            body.params = captured.clone();
            targets.push(self.as_part("arm", body));
        }
        self.locate(at);
        let made: Vec<Value> = results
            .iter()
            .map(|r| {
                let ty = self.builder.type_of(*r).clone();
                self.builder.value(ty)
            })
            .collect();
        let last = targets.pop()?;
        let conditions = arms.iter().map(|a| a.when.clone());
        let alternatives = targets.into_iter().zip(conditions).map(|(target, when)| {
            let when = when.unwrap_or_else(|| Condition::known(true));
            Alternative { when, target }
        });
        let mut call = Call::plain(last, captured, made.clone(), self.builder.location);
        call.mode = CallMode::Choice(alternatives.collect());
        self.builder.insts.push(Inst::Call(call));
        let mut made = made.into_iter();
        value = value.map(|v| v.with_tensors(&mut made));
        let mut now = before;
        for i in changed {
            now[i] = made.next().unwrap_or(now[i]);
        }
        let mut now = now.into_iter();
        for a in assigned {
            if let Some(local) = self.locals.get_mut(&a.name) {
                local.val = local.val.with_tensors(&mut now);
            }
        }
        for (place, now) in self.parameters.places.iter_mut().zip(now) {
            place.now = now;
        }
        // Behind all that is changed.
        for (list, piece) in filled.iter().zip(made) {
            self.lists[*list].pieces.push(piece);
        }
        value
    }

    /// `match x { .. }` as a value.
    pub(super) fn match_value(&mut self, m: &syn::ExprMatch) -> Checked<Val> {
        let arms = self.arms_of_match(m)?;
        let value = self.choice(m.match_token.span, &arms, true)?;
        Ok(value.unwrap_or(Val::Broken))
    }

    /// `match x { .. }` for what it assigns.
    pub(super) fn match_statement(&mut self, m: &syn::ExprMatch) -> Checked<()> {
        let arms = self.arms_of_match(m)?;
        self.choice(m.match_token.span, &arms, false).map(|_| ())
    }

    fn arms_of_match<'a>(&mut self, m: &'a syn::ExprMatch) -> Checked<Vec<Arm<'a>>> {
        let mut arms = Vec::new();
        for (i, arm) in m.arms.iter().enumerate() {
            let last = i + 1 == m.arms.len();
            let when = self.matched(&m.expr, &arm.pat)?;
            let sure = when.answer() == Some(true);
            if sure && !last {
                return Err(self.report(messages::arm_never(&m.arms[i + 1].pat)));
            }
            let body = match &*arm.body {
                syn::Expr::Block(b) if b.label.is_none() => Body::Block(&b.block),
                other => Body::Value(other),
            };
            if last && !sure {
                let rest = self.uncovered(&m.expr, m)?;
                if !rest.is_empty() {
                    return Err(self.report(messages::match_not_all(&m.match_token, &rest)));
                }
            }
            arms.push(Arm {
                when: (!last).then_some(when),
                body,
            });
        }
        match arms.is_empty() {
            true => Err(self.report(messages::match_not_all(&m.match_token, &[]))),
            false => Ok(arms),
        }
    }

    /// When a pattern is what `x` is.
    fn matched(&mut self, x: &syn::Expr, pattern: &syn::Pat) -> Checked<Condition> {
        match pattern {
            syn::Pat::Wild(_) => Ok(Condition::known(true)),
            syn::Pat::Paren(p) => self.matched(x, &p.pat),
            syn::Pat::Or(or) => {
                let each = or.cases.iter().map(|p| self.matched(x, p));
                Ok(condition::any(each.collect::<Checked<_>>()?))
            }
            syn::Pat::Lit(lit) => self.is(x, syn::Expr::Lit(lit.clone())),
            syn::Pat::Path(path) => self.is(x, syn::Expr::Path(path.clone())),
            // A variant that is imported; other names would be variables.
            syn::Pat::Ident(name) if name.subpat.is_none() => {
                let val = self.expression(x)?;
                if !self.is_enum(&val) {
                    return Err(self.report(messages::match_pattern(pattern)));
                }
                let path = syn::ExprPath {
                    attrs: Vec::new(),
                    qself: None,
                    path: name.ident.clone().into(),
                };
                self.is(x, syn::Expr::Path(path))
            }
            syn::Pat::Guard(guard) => Err(self.report(messages::match_guard(&guard.if_token))),
            other => Err(self.report(messages::match_pattern(other))),
        }
    }

    fn is(&mut self, x: &syn::Expr, other: syn::Expr) -> Checked<Condition> {
        self.condition(&syn::Expr::Binary(syn::ExprBinary {
            attrs: Vec::new(),
            left: Box::new(x.clone()),
            op: syn::BinOp::Eq(syn::Token![==](other.span())),
            right: Box::new(other),
        }))
    }

    /// Whether a value is of an enum.
    pub(super) fn is_enum(&self, val: &Val) -> bool {
        !self.variants(val).is_empty()
    }

    /// The variants of the enum that a value is of; none of any other.
    fn variants(&self, val: &Val) -> &[String] {
        match val {
            Val::Struct(s) => &self.scope.registry.structs[s.structure].signature.variants,
            _ => &[],
        }
    }

    /// What the subject of a `match` can be that no pattern is: variants of an enum, `true` or `false`; `_` of
    /// numbers, which no patterns are all of.
    fn uncovered(&mut self, x: &syn::Expr, m: &syn::ExprMatch) -> Checked<Vec<String>> {
        let val = self.expression(x)?;
        let values = match &val {
            Val::Flag(_) => vec!["true".to_string(), "false".to_string()],
            _ if self.is_enum(&val) => self.variants(&val).to_vec(),
            _ => return Ok(vec!["_".to_string()]),
        };
        let mut named = Vec::new();
        m.arms.iter().for_each(|arm| names_in(&arm.pat, &mut named));
        Ok(values.into_iter().filter(|v| !named.contains(v)).collect())
    }
}

/// The variants and the values of `bool` that a pattern names.
fn names_in(pattern: &syn::Pat, names: &mut Vec<String>) {
    match pattern {
        syn::Pat::Path(p) => names.push(crate::signature::last(&p.path)),
        syn::Pat::Ident(i) => names.push(crate::parse::name(&i.ident)),
        syn::Pat::Lit(lit) => names.push(lit.to_token_stream().to_string()),
        syn::Pat::Paren(p) => names_in(&p.pat, names),
        syn::Pat::Or(or) => or.cases.iter().for_each(|p| names_in(p, names)),
        _ => {}
    }
}

/// What an arm does as a block, if it does anything.
pub(super) fn block_of(body: Body<'_>) -> Option<Cow<'_, syn::Block>> {
    match body {
        Body::Block(block) => Some(Cow::Borrowed(block)),
        Body::Value(e) => Some(Cow::Owned(as_block(e))),
        Body::Nothing => None,
    }
}

/// An expression as a block that has its value.
pub(in crate::lower) fn as_block(e: &syn::Expr) -> syn::Block {
    syn::Block {
        brace_token: syn::token::Brace::default(),
        stmts: vec![syn::Stmt::Expr(e.clone(), None)],
    }
}

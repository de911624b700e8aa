//! Structs in texts: parameters of struct type, arguments that are structs, states that are returned.

use super::error::{ParseProblem, STRUCTS};
use super::parse::{Parsed, Parser};
use super::print::Printer;
use crate::call::{Call, CallMode, LoopMode, LoopParam};
use crate::function::{Function, Param, ParamKind, Value};
use crate::structs::{StructArgument, StructParam, field_path};
use std::fmt::{self, Write};
use std::ops::Range;

impl<W: Write> Printer<'_, W> {
    /// The parameters between the parentheses.
    pub(super) fn params(&mut self) -> fmt::Result {
        let f = self.function;
        self.fields("", 0..f.params.len(), &f.structs)
    }

    /// Leaves and structs in turn: those of the function, or those of the struct at `path`.
    fn fields(&mut self, path: &str, all: Range<usize>, structs: &[StructParam]) -> fmt::Result {
        let mut at = all.start;
        let mut comma = "";
        for s in structs {
            while at < s.leaves.start {
                self.leaf(path, at, &mut comma)?;
                at += 1;
            }
            self.out.write_str(std::mem::replace(&mut comma, ", "))?;
            let inner = match path {
                "" => s.name.clone(),
                _ => field_path(path, &s.name),
            };
            let sign = if path.is_empty() { "%" } else { "" };
            write!(self.out, "{sign}{}: {} {{", s.name, s.type_name)?;
            let empty = s.leaves.is_empty() && s.children.is_empty();
            if !empty {
                self.out.write_char(' ')?;
                self.fields(&inner, s.leaves.clone(), &s.children)?;
                self.out.write_char(' ')?;
            }
            self.out.write_char('}')?;
            at = at.max(s.leaves.end);
        }
        for i in at..all.end {
            self.leaf(path, i, &mut comma)?;
        }
        Ok(())
    }

    fn leaf(&mut self, path: &str, at: usize, comma: &mut &str) -> fmt::Result {
        self.out.write_str(std::mem::replace(comma, ", "))?;
        let f = self.function;
        let Some(p) = f.params.get(at) else {
            return self.out.write_char('?');
        };
        let kind = match p.kind {
            ParamKind::Input => "",
            ParamKind::Param => "param ",
            ParamKind::State => "state ",
            ParamKind::Key => "key ",
        };
        match path {
            "" => write!(self.out, "%{}: {kind}", p.name)?,
            _ => {
                let name = crate::structs::path_from(path, &p.name);
                write!(self.out, "{}: {kind}", name.unwrap_or(&p.name))?;
            }
        }
        match f.values.get(at) {
            Some(t) => write!(self.out, "{t}"),
            None => self.out.write_char('?'),
        }
    }

    /// What a function returns, and behind it its states.
    pub(super) fn returns(&mut self) -> fmt::Result {
        let f = self.function;
        let mut comma = " ";
        for r in f.returned() {
            self.out.write_str(std::mem::replace(&mut comma, ", "))?;
            self.value(*r)?;
        }
        for (param, value) in f.new_states() {
            self.out.write_str(std::mem::replace(&mut comma, ", "))?;
            let name = f.params.get(param).map_or("?", |p| &p.name);
            write!(self.out, "state %{name}: ")?;
            self.value(value)?;
        }
        Ok(())
    }

    /// A call's arguments between the parentheses, in the mode of a loop each with its role.
    pub(super) fn arguments(&mut self, c: &Call) -> fmt::Result {
        let roles: Vec<LoopParam> = match &c.mode {
            CallMode::Plain
            | CallMode::Choice(_)
            | CallMode::Checkpoint
            | CallMode::Rule(_)
            | CallMode::ByRule => {
                vec![LoopParam::Invariant; c.operands.len()]
            }
            CallMode::Loop(l) => l.params.clone(),
        };
        let mut comma = "";
        let mut structs = c.structs.iter().peekable();
        let mut operand = 0;
        let mut roles = roles.as_slice();
        loop {
            if let [LoopParam::Index, rest @ ..] = roles {
                self.out.write_str(std::mem::replace(&mut comma, ", "))?;
                self.out.write_str("index")?;
                roles = rest;
            } else if let Some(s) = structs.next_if(|s| s.leaves.start <= operand) {
                self.out.write_str(std::mem::replace(&mut comma, ", "))?;
                let count = s.leaves.len().min(roles.len());
                let (inner, rest) = roles.split_at(count);
                self.struct_argument(c, s, inner)?;
                (operand, roles) = (s.leaves.end.max(operand), rest);
            } else if let [role, rest @ ..] = roles {
                self.out.write_str(std::mem::replace(&mut comma, ", "))?;
                self.argument(*role, c.operands.get(operand).copied())?;
                (operand, roles) = (operand + 1, rest);
            } else {
                return Ok(());
            }
        }
    }

    fn argument(&mut self, role: LoopParam, value: Option<Value>) -> fmt::Result {
        self.role(role)?;
        match value {
            Some(v) => self.value(v)?,
            None => self.out.write_char('?')?,
        }
        self.axis(axis_of(role))
    }

    fn role(&mut self, role: LoopParam) -> fmt::Result {
        self.out.write_str(match role {
            LoopParam::Index => "index",
            LoopParam::Invariant => "",
            LoopParam::Carried => "carried ",
            LoopParam::Sliced { .. } => "sliced ",
        })
    }

    /// A struct: as it is called if it is a parameter or in one, else with its leaves. A role that all
    /// leaves share stands in front.
    fn struct_argument(
        &mut self,
        c: &Call,
        s: &StructArgument,
        roles: &[LoopParam],
    ) -> fmt::Result {
        let leaves = c.operands.get(s.leaves.clone()).unwrap_or_default();
        let first = roles.first().copied().unwrap_or(LoopParam::Invariant);
        if roles.iter().all(|r| *r == first)
            && let Some(path) = self.function.struct_path(&s.type_name, leaves)
        {
            self.role(first)?;
            write!(self.out, "%{path}")?;
            return self.axis(axis_of(first));
        }
        write!(self.out, "{} {{", s.type_name)?;
        for (i, (role, v)) in roles.iter().zip(leaves).enumerate() {
            self.out.write_str(if i == 0 { "" } else { ", " })?;
            self.argument(*role, Some(*v))?;
        }
        self.out.write_char('}')
    }
}

/// The axis of a slice.
fn axis_of(role: LoopParam) -> usize {
    match role {
        LoopParam::Sliced { axis } => axis,
        LoopParam::Index | LoopParam::Invariant | LoopParam::Carried => 0,
    }
}

impl<'a> Parser<'a> {
    /// The parameters between the parentheses.
    pub(super) fn params(&mut self) -> Parsed<()> {
        while !self.eat(")") {
            let name = self.value_name()?;
            let mut structs = Vec::new();
            self.param(name.to_string(), name, &mut structs)?;
            self.function.structs.append(&mut structs);
            if !self.eat(",") {
                return self.sign(")");
            }
        }
        Ok(())
    }

    /// What follows a parameter's name, or that of a field: a leaf, or a struct, which goes to `structs`.
    fn param(&mut self, path: String, name: &'a str, structs: &mut Vec<StructParam>) -> Parsed<()> {
        if path.bytes().all(|c| c.is_ascii_digit()) {
            return Err(ParseProblem::Numbered(path));
        }
        self.sign(":")?;
        let start = self.at;
        let type_name = self.path()?;
        if self.eat("{") {
            let made = self.struct_param(path, name, type_name)?;
            structs.push(made);
            return Ok(());
        }
        self.at = start;
        let kind = if self.eat_word("param") {
            ParamKind::Param
        } else if self.eat_word("state") {
            ParamKind::State
        } else if self.eat_word("key") {
            ParamKind::Key
        } else {
            ParamKind::Input
        };
        let ty = self.of_type()?;
        let value = self.define(path.clone(), ty)?;
        self.function.body.params.push(value);
        self.function.params.push(Param { name: path, kind });
        Ok(())
    }

    /// A struct behind its `{`.
    fn struct_param(
        &mut self,
        path: String,
        name: &str,
        type_name: &'a str,
    ) -> Parsed<StructParam> {
        self.depth += 1;
        if self.depth > STRUCTS {
            return Err(ParseProblem::Structs);
        }
        let start = self.function.params.len();
        let mut children = Vec::new();
        while !self.eat("}") {
            let field = self.run(|c| c.is_alphanumeric() || c == '_', "the name of a field")?;
            self.param(field_path(&path, field), field, &mut children)?;
            if !self.eat(",") {
                self.sign("}")?;
                break;
            }
        }
        self.depth -= 1;
        let made = StructParam {
            name: name.to_string(),
            type_name: type_name.to_string(),
            leaves: start..self.function.params.len(),
            children,
        };
        if self.names.contains_key(path.as_str()) || self.structs.contains_key(&path) {
            return Err(ParseProblem::Redefined(path));
        }
        self.structs.insert(path, (type_name, made.leaves.clone()));
        Ok(made)
    }

    /// What a function returns, and behind it its states.
    pub(super) fn returns(&mut self) -> Parsed<()> {
        while self.peek() == Some(b'%') {
            let value = self.value()?;
            self.function.body.results.push(value);
            if !self.eat(",") {
                return Ok(());
            }
        }
        while self.eat_word("state") {
            let name = self.value_name()?;
            let param = self.param_called(name)?;
            self.sign(":")?;
            let value = self.value()?;
            self.function.states.push(param.index());
            self.function.body.results.push(value);
            if !self.eat(",") {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The parameter of a name that is not read yet as one.
    pub(super) fn param_called(&self, name: &str) -> Parsed<Value> {
        let known = Function::param(&self.function, name);
        known.ok_or_else(|| ParseProblem::UnknownParam(name.into()))
    }

    /// A call's arguments and the `)` behind them.
    pub(super) fn arguments(&mut self, mode: &mut CallMode) -> Parsed<Arguments> {
        let mut out = Arguments::default();
        while !self.eat(")") {
            let role = self.role(mode)?;
            if role != Some(LoopParam::Index) {
                self.argument(mode, role, &mut out)?;
            }
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
        Ok(out)
    }

    /// The role in front of an argument of a loop; an index is complete with it.
    fn role(&mut self, mode: &mut CallMode) -> Parsed<Option<LoopParam>> {
        let CallMode::Loop(l) = mode else {
            return Ok(None);
        };
        Ok(Some(if self.eat_word("index") {
            l.params.push(LoopParam::Index);
            LoopParam::Index
        } else if self.eat_word("carried") {
            LoopParam::Carried
        } else if self.eat_word("sliced") {
            LoopParam::Sliced { axis: 0 }
        } else {
            LoopParam::Invariant
        }))
    }

    fn argument(
        &mut self,
        mode: &mut CallMode,
        role: Option<LoopParam>,
        out: &mut Arguments,
    ) -> Parsed<()> {
        let start = out.operands.len();
        if self.peek() != Some(b'%') {
            let type_name = self.path()?;
            self.sign("{")?;
            while !self.eat("}") {
                let own = self.role(mode)?.filter(|r| *r != LoopParam::Invariant);
                if own == Some(LoopParam::Index) {
                    return Err(self.expected("a leaf"));
                }
                out.operands.push(self.value()?);
                self.roles(mode, own.or(role), 1)?;
                if !self.eat(",") {
                    self.sign("}")?;
                    break;
                }
            }
            out.close(type_name, start);
            return Ok(());
        }
        let name = self.value_name()?;
        if let Some((type_name, leaves)) = self.structs.get(name).cloned() {
            let params = self.function.body.params.get(leaves);
            out.operands.extend(params.unwrap_or_default());
            out.close(type_name, start);
        } else {
            out.operands.push(self.known(name)?);
        }
        self.roles(mode, role, out.operands.len() - start)
    }

    /// Gives the `count` arguments that were read their role, whose axis stands behind them.
    fn roles(&mut self, mode: &mut CallMode, role: Option<LoopParam>, count: usize) -> Parsed<()> {
        if let (CallMode::Loop(LoopMode { params, .. }), Some(mut role)) = (mode, role) {
            if let LoopParam::Sliced { axis } = &mut role {
                *axis = self.axis_or_first()?;
            }
            params.extend(std::iter::repeat_n(role, count));
        }
        Ok(())
    }
}

/// Arguments that were read.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) operands: Vec<Value>,
    pub(super) structs: Vec<StructArgument>,
}

impl Arguments {
    /// The arguments from `start` on are one struct.
    fn close(&mut self, type_name: &str, start: usize) {
        self.structs.push(StructArgument {
            type_name: type_name.to_string(),
            leaves: start..self.operands.len(),
        });
    }
}

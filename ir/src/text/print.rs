//! Prints functions; the form is told in the module above.
//!
//! Prints whatever it is given, an invalid function too: error messages show those.

use crate::attribute::{Attribute, AttributeKind, ShapeSource};
use crate::block::{Block, Inst, Loop, OpInst, Order};
use crate::call::{Call, CallMode, LoopMode, LoopResult, PullbackCall, Target};
use crate::dtype::DType;
use crate::function::{Constraint, Function, Location, Origin, PullbackBody, Relation, Value};
use crate::shape::{Axis, Shape, Type};
use crate::symbol::{Condition, Number, SymbolKind, SymbolSource, SymbolTerm, SymbolType, Test};
use std::fmt::{self, Write};

impl fmt::Display for Function {
    /// The text form, without places.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer {
            function: self,
            locations: false,
            out: f,
        }
        .function()
    }
}

impl Function {
    /// The text form with the place of every instruction: what binaries store.
    pub fn to_text_with_locations(&self) -> String {
        let mut out = String::new();
        let printed = Printer {
            function: self,
            locations: true,
            out: &mut out,
        }
        .function();
        printed.expect("writing to a string does not fail");
        out
    }
}

impl Relation {
    /// `==`, `<=` or `<`.
    pub fn sign(self) -> &'static str {
        match self {
            Relation::Equal => "==",
            Relation::AtMost => "<=",
            Relation::Below => "<",
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.relation.sign(), self.right)
    }
}

impl fmt::Display for Condition {
    /// `wide`, `!wide`, `training()`, `N <= 64`, `!(N <= 64)`, `scale < 0.5`, `true`, `(wide and !deep)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "!" } else { "" };
        let (open, close) = if self.negated { ("(", ")") } else { ("", "") };
        match &self.test {
            Test::Known(answer) => write!(f, "{not}{answer}"),
            Test::Symbol(symbol) => write!(f, "{not}{symbol}"),
            Test::Training => write!(f, "{not}training()"),
            Test::Sizes(c) => write!(f, "{not}{open}{c}{close}"),
            Test::Numbers {
                left,
                relation,
                right,
            } => write!(f, "{not}{open}{left} {} {right}{close}", relation.sign()),
            Test::All(conditions) => {
                write!(f, "{not}(")?;
                for (i, c) in conditions.iter().enumerate() {
                    let and = if i == 0 { "" } else { " and " };
                    write!(f, "{and}{c}")?;
                }
                write!(f, ")")
            }
        }
    }
}

impl fmt::Display for SymbolTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymbolTerm::Size(dim) => write!(f, "{dim}"),
            SymbolTerm::Float(number) => write!(f, "{number}"),
            SymbolTerm::Bool(condition) => write!(f, "{condition}"),
        }
    }
}

/// The type of a symbol behind its name; that of a size is left out.
fn annotation(ty: SymbolType) -> &'static str {
    match ty {
        SymbolType::Size => "",
        SymbolType::Float => ": f64",
        SymbolType::Bool => ": bool",
    }
}

impl fmt::Display for Number {
    /// The symbol, or the number in the shortest form that reads back to the same bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = match self {
            Number::Known(n) => *n,
            Number::Symbol(symbol) => return write!(f, "{symbol}"),
        };
        if n.is_nan() {
            f.write_str("nan")
        } else if n == 0.0 || n.is_infinite() || (1e-5..1e15).contains(&n.abs()) {
            write!(f, "{n}")
        } else {
            write!(f, "{n:e}")
        }
    }
}

pub(super) struct Printer<'a, W> {
    pub(super) function: &'a Function,
    locations: bool,
    pub(super) out: &'a mut W,
}

impl<W: Write> Printer<'_, W> {
    fn function(&mut self) -> fmt::Result {
        let f = self.function;
        write!(self.out, "fn @{}", f.name)?;
        for (i, s) in f.symbols.iter().enumerate() {
            self.out.write_str(if i == 0 { "<" } else { ", " })?;
            match s.kind {
                SymbolKind::Sequence => write!(self.out, "[{}]", s.symbol)?,
                SymbolKind::Value(ty, source) => {
                    let source = match source {
                        SymbolSource::Caller => "",
                        SymbolSource::Rustc => "const ",
                    };
                    write!(self.out, "{source}{}{}", s.symbol, annotation(ty))?;
                }
            }
        }
        if !f.symbols.is_empty() {
            self.out.write_char('>')?;
        }
        self.out.write_char('(')?;
        self.params()?;
        self.out.write_str(") -> ")?;
        self.types(f.returned())?;
        for (i, c) in f.constraints.iter().enumerate() {
            self.out.write_str(if i == 0 { " where " } else { ", " })?;
            write!(self.out, "{c}")?;
        }
        self.out.write_str(" {\n")?;
        self.insts(&f.body, 1)?;
        self.out.write_str("  return")?;
        self.returns()?;
        self.out.write_str("\n}\n")?;
        match &f.pullback {
            Some(p) => self.pullback(p),
            None => Ok(()),
        }
    }

    fn pullback(&mut self, p: &PullbackBody) -> fmt::Result {
        if p.origin == Origin::Written {
            self.out.write_str("written ")?;
        }
        self.out.write_str("pullback(")?;
        let last = p.cotangents.last().map_or(0, |last| last + 1);
        for i in 0..last.max(self.function.returned().len()) {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            match p.cotangent(i) {
                Some(v) => {
                    self.value(v)?;
                    self.out.write_str(": ")?;
                    self.types(&[v])?;
                }
                None => self.out.write_char('_')?,
            }
        }
        self.out.write_str(") {\n")?;
        self.insts(&p.block, 1)?;
        self.out.write_str("  return")?;
        let mut first = true;
        for (at, gradient) in p.each_gradient() {
            self.out.write_str(if first { " " } else { ", " })?;
            first = false;
            match self.function.params.get(at) {
                Some(param) => write!(self.out, "%{}: ", param.name)?,
                None => self.out.write_str("%?: ")?,
            }
            self.value(gradient)?;
        }
        self.out.write_str("\n}\n")
    }

    fn insts(&mut self, block: &Block, depth: usize) -> fmt::Result {
        for inst in &block.insts {
            self.indent(depth)?;
            match inst {
                Inst::Loop(l) => self.iterate(l, depth)?,
                Inst::Op(i) => self.op(i)?,
                Inst::Call(c) => self.call(c)?,
                Inst::PullbackCall(p) => self.pullback_call(p)?,
            }
            self.out.write_char('\n')?;
        }
        Ok(())
    }

    fn indent(&mut self, depth: usize) -> fmt::Result {
        (0..depth).try_for_each(|_| self.out.write_str("  "))
    }

    fn op(&mut self, i: &OpInst) -> fmt::Result {
        self.value(i.result)?;
        write!(self.out, " = {}", i.op.name)?;
        for (k, v) in i.operands.iter().enumerate() {
            self.out.write_str(if k == 0 { " " } else { ", " })?;
            self.value(*v)?;
        }
        for (spec, attribute) in i.op.attributes.iter().zip(&i.attributes.0) {
            match attribute {
                Attribute::Axes(axes) if axes.is_empty() => {}
                Attribute::Axes(axes) => {
                    let owner = match spec.kind {
                        AttributeKind::Axes(ShapeSource::Operand(k)) => i.operands.get(k).copied(),
                        _ => Some(i.result),
                    };
                    let shape = owner.and_then(|v| self.function.values.get(v.index()));
                    write!(self.out, " {} [", spec.name)?;
                    self.axes(axes, shape.map(|t| &t.shape))?;
                    self.out.write_char(']')?;
                }
                Attribute::Shape(s) => write!(self.out, " {} [{s}]", spec.name)?,
                Attribute::Dims(dims) => {
                    write!(self.out, " {} [", spec.name)?;
                    for (k, d) in dims.iter().enumerate() {
                        let comma = if k == 0 { "" } else { ", " };
                        write!(self.out, "{comma}{d}")?;
                    }
                    self.out.write_char(']')?;
                }
                Attribute::DType(d) => write!(self.out, " {} {d}", spec.name)?,
                Attribute::Number(n) => write!(self.out, " {} {n}", spec.name)?,
                Attribute::Name(name) => write!(self.out, " {} {name}", spec.name)?,
            }
        }
        self.location(i.location)
    }

    fn axes(&mut self, axes: &[Axis], shape: Option<&Shape>) -> fmt::Result {
        for (k, axis) in axes.iter().enumerate() {
            if k > 0 {
                self.out.write_str(", ")?;
            }
            match (axis, shape) {
                (Axis::At(a), Some(s)) if s.sequence.is_some() && *a < s.len() => {
                    write!(self.out, "-{}", s.len() - a)?;
                }
                (Axis::At(a), _) => write!(self.out, "{a}")?,
                (Axis::Sequence, Some(s)) => match &s.sequence {
                    Some(name) => write!(self.out, "{name}")?,
                    None => self.out.write_char('?')?,
                },
                (Axis::Sequence, None) => self.out.write_char('?')?,
            }
        }
        Ok(())
    }

    fn call(&mut self, c: &Call) -> fmt::Result {
        self.values(&c.results)?;
        self.out.write_str(" = call ")?;
        self.target(&c.target)?;
        match &c.mode {
            CallMode::Plain if c.target.maps.is_empty() => {}
            CallMode::Plain => self.out.write_char(' ')?,
            CallMode::Checkpoint => self.out.write_str(" checkpoint ")?,
            CallMode::ByRule => self.out.write_str(" by rule ")?,
            CallMode::Rule(rule) => {
                self.out.write_str(" rule ")?;
                self.target(rule)?;
                self.out.write_char(' ')?;
            }
            CallMode::Choice(alternatives) => {
                for (i, a) in alternatives.iter().enumerate() {
                    self.out.write_str(if i == 0 { " choice " } else { ", " })?;
                    self.target(&a.target)?;
                    write!(self.out, " where {}", a.when)?;
                }
                self.out.write_char(' ')?;
            }
            CallMode::Loop(l) => return self.call_of_loop(c, l),
        }
        self.out.write_char('(')?;
        self.arguments(c)?;
        self.out.write_str(") -> ")?;
        self.types(&c.results)?;
        self.location(c.location)
    }

    fn target(&mut self, target: &Target) -> fmt::Result {
        write!(self.out, "@{}", target.name)?;
        let mut open = "<";
        if let Some((symbol, shape)) = &target.sequence {
            write!(self.out, "{open}[{symbol}] = [{shape}]")?;
            open = ", ";
        }
        for (symbol, term) in &target.symbols {
            let ty = annotation(term.ty());
            write!(self.out, "{open}{symbol}{ty} = {term}")?;
            open = ", ";
        }
        if open == ", " {
            self.out.write_char('>')?;
        }
        for map in &target.maps {
            write!(self.out, " mapped {} [", map.extent)?;
            for (i, mapped) in map.mapped.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                let what = if *mapped { "slice" } else { "whole" };
                write!(self.out, "{comma}{what}")?;
            }
            self.out.write_char(']')?;
        }
        Ok(())
    }

    fn call_of_loop(&mut self, c: &Call, l: &LoopMode) -> fmt::Result {
        write!(self.out, " loop {}{} (", l.trip, backward(l.order))?;
        self.arguments(c)?;
        self.out.write_str(") -> ")?;
        if c.results.is_empty() {
            self.out.write_str("()")?;
        }
        for (i, (v, role)) in c.results.iter().zip(&l.results).enumerate() {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            let (word, axis) = match role {
                LoopResult::Carried => ("carried ", 0),
                LoopResult::Stacked { axis } => ("stacked ", *axis),
            };
            self.out.write_str(word)?;
            self.types(&[*v])?;
            self.axis(axis)?;
        }
        self.location(c.location)
    }

    /// The axis of a slice or a stack, which is the first where none is written.
    pub(super) fn axis(&mut self, axis: usize) -> fmt::Result {
        match axis {
            0 => Ok(()),
            _ => write!(self.out, " axis {axis}"),
        }
    }

    fn iterate(&mut self, l: &Loop, depth: usize) -> fmt::Result {
        self.values(&l.results)?;
        write!(self.out, " = loop {}{} (", l.trip, backward(l.order))?;
        self.values(l.index().as_slice())?;
        for (param, value) in l.carried_params().iter().zip(&l.carried) {
            self.out.write_str(", ")?;
            self.value(*param)?;
            self.out.write_str(" = ")?;
            self.value(*value)?;
        }
        for (param, sliced) in l.slice_params().iter().zip(&l.sliced) {
            self.out.write_str(", ")?;
            self.value(*param)?;
            self.out.write_str(" = slice ")?;
            self.value(sliced.value)?;
            self.axis(sliced.axis)?;
        }
        self.out.write_str(") {\n")?;
        self.insts(&l.body, depth + 1)?;
        self.indent(depth + 1)?;
        self.out.write_str("return")?;
        for (i, v) in l.body.results.iter().enumerate() {
            self.out.write_str(if i == 0 { " " } else { ", " })?;
            let axis = i.checked_sub(l.carried.len());
            let axis = axis.map(|s| l.stacked.get(s).copied().unwrap_or(0));
            if axis.is_some() {
                self.out.write_str("stack ")?;
            }
            self.value(*v)?;
            self.axis(axis.unwrap_or(0))?;
        }
        self.out.write_char('\n')?;
        self.indent(depth)?;
        self.out.write_char('}')?;
        self.location(l.location)
    }

    fn pullback_call(&mut self, p: &PullbackCall) -> fmt::Result {
        for (i, (_, v)) in p.results.iter().enumerate() {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            self.value(*v)?;
        }
        self.out.write_str(" = pullback ")?;
        self.value(p.call)?;
        self.out.write_char('(')?;
        for (i, c) in p.cotangents.iter().enumerate() {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            match c {
                Some(v) => self.value(*v)?,
                None => self.out.write_char('_')?,
            }
        }
        self.out.write_str(") of [")?;
        for (i, (position, _)) in p.results.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(self.out, "{comma}{position}")?;
        }
        self.out.write_char(']')
    }

    pub(super) fn value(&mut self, v: Value) -> fmt::Result {
        match self.function.params.get(v.index()) {
            Some(p) => write!(self.out, "%{}", p.name),
            None => write!(self.out, "{v}"),
        }
    }

    fn values(&mut self, values: &[Value]) -> fmt::Result {
        for (i, v) in values.iter().enumerate() {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            self.value(*v)?;
        }
        Ok(())
    }

    fn types(&mut self, values: &[Value]) -> fmt::Result {
        if values.is_empty() {
            return self.out.write_str("()");
        }
        for (i, v) in values.iter().enumerate() {
            if i > 0 {
                self.out.write_str(", ")?;
            }
            let unknown = Type::new(DType::Float, Shape::scalar());
            let ty = self.function.values.get(v.index()).unwrap_or(&unknown);
            write!(self.out, "{ty}")?;
        }
        Ok(())
    }

    fn location(&mut self, location: Option<Location>) -> fmt::Result {
        match location {
            Some(l) if self.locations => write!(self.out, " at {}:{}", l.line, l.column),
            _ => Ok(()),
        }
    }
}

fn backward(order: Order) -> &'static str {
    match order {
        Order::Forward => "",
        Order::Backward => " backward",
    }
}

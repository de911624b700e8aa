//! Reads the text form; types that are not written are inferred as instructions are read.
//!
//! What it returns has every value numbered in order of definition. It checks what reading needs
//! (names, types of results); [`crate::verify`] checks the rest.

use super::error::{ParseError, ParseProblem};
use super::types::{Written, resolve};
use crate::attribute::{Attribute, AttributeKind, ShapeSource};
use crate::block::Inst;
use crate::builder::Builder;
use crate::dim::Symbol;
use crate::function::{Constraint, Function, Origin, PullbackBody, Relation, Value};
use crate::op::{Arity, OpError};

use crate::ops;
use crate::shape::{Axis, Type};
use crate::symbol::{SymbolDecl, SymbolKind, SymbolSource, SymbolType};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Reads one function.
///
/// # Errors
/// The first thing in `text` that is not as the text form has it.
///
/// ```
/// # fn main() -> Result<(), sinew_ir::ParseError> {
/// let text = "fn @id<B>(%x: float[B]) -> float[B] {\n  return %x\n}\n";
/// assert_eq!(sinew_ir::parse(text)?.to_string(), text);
/// # Ok(())
/// # }
/// ```
pub fn parse(text: &str) -> Result<Function, ParseError> {
    let mut parser = Parser {
        text,
        at: 0,
        last: 0,
        depth: 0,
        symbols: HashMap::new(),
        names: HashMap::new(),
        order: Vec::new(),
        structs: HashMap::new(),
        calls: HashMap::new(),
        function: Function::default(),
        builder: Builder::default(),
    };
    match parser.function() {
        Ok(()) => Ok(parser.function),
        Err(problem) => {
            let at = match problem {
                ParseProblem::Expected { .. } => parser.at,
                _ => parser.last,
            };
            let before = &text[..at];
            let line_start = before.rfind('\n').map_or(0, |n| n + 1);
            Err(ParseError {
                line: before.matches('\n').count() + 1,
                column: at - line_start + 1,
                problem: Box::new(problem),
            })
        }
    }
}

pub(super) type Parsed<T> = Result<T, ParseProblem>;

/// The state of reading one text.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where the last name or number starts: the place of an error about it.
    pub(super) last: usize,
    /// How many parentheses of a dim are open.
    pub(super) depth: usize,
    pub(super) symbols: HashMap<&'a str, (Symbol, SymbolKind)>,
    pub(super) names: HashMap<Cow<'a, str>, Value>,
    /// The names defined so far, in order: those of a block are gone behind it.
    pub(super) order: Vec<Cow<'a, str>>,
    /// The parameters that are structs, and the structs in them: their types and leaves, by their paths.
    pub(super) structs: HashMap<String, (&'a str, Range<usize>)>,
    /// The operands of each call so far, by its first result.
    pub(super) calls: HashMap<Value, Vec<Value>>,
    pub(super) function: Function,
    pub(super) builder: Builder,
}

impl<'a> Parser<'a> {
    fn function(&mut self) -> Parsed<()> {
        self.word("fn")?;
        self.sign("@")?;
        self.function.name = self.path()?.to_string();
        if self.eat("<") {
            self.symbol_list()?;
        }
        self.sign("(")?;
        self.params()?;
        self.sign("->")?;
        let announced = self.types()?;
        if self.eat_word("where") {
            loop {
                let constraint = self.constraint()?;
                self.function.constraints.push(constraint);
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.sign("{")?;
        self.function.body.insts = self.insts()?;
        self.word("return")?;
        self.returns()?;
        self.announced(&announced)?;
        self.sign("}")?;
        if self.eat_word("written") {
            self.word("pullback")?;
            self.pullback(Origin::Written)?;
        } else if self.eat_word("pullback") {
            self.pullback(Origin::Derived)?;
        }
        self.space();
        if self.at < self.text.len() {
            return Err(self.expected("the end"));
        }
        self.function.values = std::mem::take(&mut self.builder.values);
        Ok(())
    }

    fn symbol_list(&mut self) -> Parsed<()> {
        loop {
            let (name, kind) = if self.eat("[") {
                let name = self.path()?;
                self.sign("]")?;
                (name, SymbolKind::Sequence)
            } else {
                let name = self.path()?;
                let (name, source) = match name {
                    "const" if self.ident_follows() => (self.path()?, SymbolSource::Rustc),
                    _ => (name, SymbolSource::Caller),
                };
                (name, SymbolKind::Value(self.annotation(name)?, source))
            };
            let is_sequence = |s: &SymbolDecl| s.kind == SymbolKind::Sequence;
            if kind == SymbolKind::Sequence && self.function.symbols.iter().any(is_sequence) {
                return Err(ParseProblem::Sequences(name.to_string()));
            }
            let symbol = Symbol::new(name);
            self.symbols.insert(name, (symbol.clone(), kind));
            self.function.symbols.push(SymbolDecl { symbol, kind });
            if !self.eat(",") {
                return self.sign(">");
            }
        }
    }

    /// The type behind a symbol's name, which is left out for a size.
    pub(super) fn annotation(&mut self, name: &str) -> Parsed<SymbolType> {
        if !self.eat(":") {
            return Ok(SymbolType::Size);
        }
        let ty = if self.eat_word("f64") {
            SymbolType::Float
        } else if self.eat_word("bool") {
            SymbolType::Bool
        } else {
            return Err(self.expected("`f64` or `bool`"));
        };
        match ty.allows(name) {
            true => Ok(ty),
            false => Err(ParseProblem::Reserved(name.to_string())),
        }
    }

    pub(super) fn constraint(&mut self) -> Parsed<Constraint> {
        Ok(Constraint {
            left: self.dim()?,
            relation: self.relation()?,
            right: self.dim()?,
        })
    }

    pub(super) fn relation(&mut self) -> Parsed<Relation> {
        if self.eat("==") {
            Ok(Relation::Equal)
        } else if self.eat("<=") {
            Ok(Relation::AtMost)
        } else if self.eat("<") {
            Ok(Relation::Below)
        } else {
            Err(self.expected("`==`, `<=` or `<`"))
        }
    }

    fn announced(&self, announced: &[Type]) -> Parsed<()> {
        let results = self.function.returned();
        if announced.len() != results.len() {
            return Err(ParseProblem::Count {
                announced: announced.len(),
                found: results.len(),
            });
        }
        match announced
            .iter()
            .zip(results)
            .find(|(a, r)| *a != self.builder.type_of(**r))
        {
            Some((a, r)) => Err(ParseProblem::Announced {
                announced: a.to_string(),
                found: self.builder.type_of(*r).to_string(),
            }),
            None => Ok(()),
        }
    }

    fn pullback(&mut self, origin: Origin) -> Parsed<()> {
        let mut out = PullbackBody {
            origin,
            ..PullbackBody::default()
        };
        let mut results = 0;
        self.sign("(")?;
        while !self.eat(")") {
            if !self.eat_word("_") {
                let name = self.value_name()?;
                self.sign(":")?;
                let ty = self.of_type()?;
                out.block.params.push(self.define(name, ty)?);
                out.cotangents.push(results);
            }
            results += 1;
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
        // States that have no cotangent are left out.
        let f = &self.function;
        if !(f.returned().len()..=f.body.results.len()).contains(&results) {
            return Err(ParseProblem::Count {
                announced: f.returned().len(),
                found: results,
            });
        }
        self.sign("{")?;
        out.block.insts = self.insts()?;
        self.word("return")?;
        let mut gradients = vec![None; self.function.params.len()];
        while self.peek() == Some(b'%') {
            let name = self.value_name()?;
            let param = self.param_called(name)?;
            self.sign(":")?;
            gradients[param.index()] = Some(self.value()?);
            if !self.eat(",") {
                break;
            }
        }
        for (param, gradient) in gradients.into_iter().enumerate() {
            if let Some(gradient) = gradient {
                out.gradients.push(param);
                out.block.results.push(gradient);
            }
        }
        self.sign("}")?;
        self.function.pullback = Some(out);
        Ok(())
    }

    /// The instructions up to `return`.
    pub(super) fn insts(&mut self) -> Parsed<Vec<Inst>> {
        while self.peek() == Some(b'%') {
            let mut names = vec![self.value_name()?];
            while self.eat(",") {
                names.push(self.value_name()?);
            }
            self.sign("=")?;
            let op = self.path()?;
            match op {
                "call" => self.call(&names)?,
                "pullback" => self.pullback_call(&names)?,
                "loop" => self.iterate(&names)?,
                _ => {
                    let [name] = names.as_slice() else {
                        return Err(self.expected("one result for an op"));
                    };
                    self.op(op, name)?;
                }
            }
        }
        Ok(std::mem::take(&mut self.builder.insts))
    }

    fn op(&mut self, op: &str, name: &'a str) -> Parsed<()> {
        let op = ops::find(op).ok_or_else(|| ParseProblem::UnknownOp(op.to_string()))?;
        // The next line starts with a value too.
        let operands = match self.peek() {
            Some(b'%') if op.arity != Arity::Exactly(0) => self.operands()?,
            _ => Vec::new(),
        };
        let mut attributes = Vec::with_capacity(op.attributes.len());
        // Axes wait for the shape they count on, which may stand behind them.
        let mut written: Vec<(usize, ShapeSource, Vec<Written<'a>>)> = Vec::new();
        for (i, spec) in op.attributes.iter().enumerate() {
            if let AttributeKind::Axes(source) = spec.kind {
                attributes.push(Attribute::Axes(Vec::new()));
                if self.eat_word(spec.name) {
                    written.push((i, source, self.written_axes()?));
                }
                continue;
            }
            self.word(spec.name)?;
            attributes.push(match spec.kind {
                AttributeKind::Axes(_) => continue,
                AttributeKind::Shape => {
                    self.sign("[")?;
                    Attribute::Shape(self.shape()?)
                }
                AttributeKind::Dims => {
                    self.sign("[")?;
                    Attribute::Dims(self.dims()?)
                }
                AttributeKind::DType => Attribute::DType(self.dtype()?),
                AttributeKind::Number => Attribute::Number(self.number()?),
                AttributeKind::Name => Attribute::Name(self.path()?.into()),
            });
        }
        for (i, source, axes) in written {
            let stated = attributes.iter().find_map(|a| match a {
                Attribute::Shape(s) => Some(s),
                _ => None,
            });
            let operand = |k: usize| operands.get(k).map(|v| &self.builder.type_of(*v).shape);
            let shape = match source {
                ShapeSource::Operand(k) => operand(k),
                ShapeSource::Result => stated.or(operand(0)),
            };
            let shape = shape.ok_or(ParseProblem::Op {
                op: op.name,
                error: Box::new(OpError::Arity {
                    expected: 1,
                    found: 0,
                }),
            })?;
            let resolved: Parsed<Vec<Axis>> = axes.iter().map(|a| resolve(a, shape)).collect();
            attributes[i] = Attribute::Axes(resolved?);
        }
        self.builder.location = self.location()?;
        let result = self
            .builder
            .op(op, &operands, attributes)
            .map_err(|error| ParseProblem::Op {
                op: op.name,
                error: Box::new(error),
            })?;
        self.name(name, result)
    }

    // Values.

    pub(super) fn value_name(&mut self) -> Parsed<&'a str> {
        self.sign("%")?;
        self.run(|c| c.is_alphanumeric() || c == '_' || c == '.', "a name")
    }

    pub(super) fn known(&self, name: &str) -> Parsed<Value> {
        let value = self.names.get(name).copied();
        value.ok_or_else(|| ParseProblem::UnknownValue(name.to_string()))
    }

    pub(super) fn value(&mut self) -> Parsed<Value> {
        let name = self.value_name()?;
        self.known(name)
    }

    pub(super) fn operands(&mut self) -> Parsed<Vec<Value>> {
        let mut out = vec![self.value()?];
        while self.eat(",") {
            out.push(self.value()?);
        }
        Ok(out)
    }

    fn name(&mut self, name: impl Into<Cow<'a, str>>, value: Value) -> Parsed<()> {
        let name = name.into();
        self.order.push(name.clone());
        if self.structs.contains_key(name.as_ref()) || self.names.contains_key(&name) {
            return Err(ParseProblem::Redefined(name.into_owned()));
        }
        self.names.insert(name, value);
        Ok(())
    }

    pub(super) fn define(&mut self, name: impl Into<Cow<'a, str>>, ty: Type) -> Parsed<Value> {
        let value = self.builder.value(ty);
        self.name(name, value)?;
        Ok(value)
    }
}

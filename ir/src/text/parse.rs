//! Reads the text form; types that are not written are inferred as instructions are read.
//!
//! What it returns has every value numbered in order of definition. It checks what reading needs
//! (names, types of results); [`crate::verify`] checks the rest.

use crate::attribute::{Attribute, AttributeKind, Of};
use crate::builder::Builder;
use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::function::{
    Call, Constraint, Function, Inst, Location, Param, ParamKind, PullbackBody, PullbackCall,
    Relation, SymbolDecl, SymbolKind, Value,
};
use crate::op::OpError;
use crate::ops;
use crate::shape::{Axis, Shape, Type};
use std::collections::HashMap;

/// A text that is no function, and where it stops being one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct ParseError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column, in bytes from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Box<ParseProblem>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseProblem {
    /// Something else should stand there.
    #[error("expected {expected}, found `{found}`")]
    Expected {
        /// What.
        expected: &'static str,
        /// The text there, shortened.
        found: String,
    },
    /// No op has this name.
    #[error("no op is called `{0}`")]
    UnknownOp(String),
    /// A value that is not defined before.
    #[error("`%{0}` is not defined before its use")]
    UnknownValue(String),
    /// A value that is defined twice.
    #[error("`%{0}` is defined twice")]
    Redefined(String),
    /// A symbol that the function does not declare, or declares as something else.
    #[error("`{0}` is not declared as a symbol of that kind")]
    UnknownSymbol(String),
    /// A parameter that the function does not have.
    #[error("no parameter is called `{0}`")]
    UnknownParam(String),
    /// A dim that divides by zero or does not fit 64 bits.
    #[error("the dim does not fit 64 bits or divides by zero")]
    Dim,
    /// Parentheses in parentheses, many times over.
    #[error("parentheses nest deeper than {DEPTH}")]
    Depth,
    /// An axis that its shape does not have.
    #[error("the shape ({shape}) has no axis `{axis}`")]
    Axis {
        /// As written.
        axis: String,
        /// The shape it counts on.
        shape: Shape,
    },
    /// A mistake in the use of an op.
    #[error("`{op}` {error}")]
    Op {
        /// Which op.
        op: &'static str,
        /// Its complaint.
        error: Box<OpError>,
    },
    /// The results are not as many, or not of the types, that the text announces.
    #[error("announced as {announced}, and is {found}")]
    Announced {
        /// The type announced.
        announced: String,
        /// The type of what is there.
        found: String,
    },
    /// Lists that must be of one length.
    #[error("{announced} are announced, and {found} are there")]
    Count {
        /// How many are announced.
        announced: usize,
        /// How many are there.
        found: usize,
    },
    /// The pullback of something that is no call.
    #[error("`%{0}` is not the first result of a call")]
    NoCall(String),
}

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

/// How deep parentheses may nest in a dim: far more than anyone writes, far less than the stack holds.
const DEPTH: usize = 64;

type Parsed<T> = Result<T, ParseProblem>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the last name or number starts: the place of an error about it.
    last: usize,
    /// How many parentheses of a dim are open.
    depth: usize,
    symbols: HashMap<&'a str, (Symbol, SymbolKind)>,
    names: HashMap<&'a str, Value>,
    function: Function,
    builder: Builder,
}

/// An axis as written, before the shape it counts on is known.
enum Written<'a> {
    Left(usize),
    Right(usize),
    Sequence(&'a str),
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
        while !self.eat(")") {
            self.param()?;
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
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
        self.function.body = self.body()?;
        self.word("return")?;
        if self.peek() == Some(b'%') {
            self.function.results = self.operands()?;
        }
        self.announced(&announced)?;
        self.sign("}")?;
        if self.eat_word("pullback") {
            self.pullback()?;
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
                match name {
                    "const" if self.ident_follows() => (self.path()?, SymbolKind::Const),
                    _ => (name, SymbolKind::Size),
                }
            };
            let symbol = Symbol::new(name);
            self.symbols.insert(name, (symbol.clone(), kind));
            self.function.symbols.push(SymbolDecl { symbol, kind });
            if !self.eat(",") {
                return self.sign(">");
            }
        }
    }

    fn param(&mut self) -> Parsed<()> {
        let name = self.value_name()?;
        self.sign(":")?;
        let kind = if self.eat_word("param") {
            ParamKind::Param
        } else if self.eat_word("state") {
            ParamKind::State
        } else {
            ParamKind::Input
        };
        let of = self.of_type()?;
        self.define(name, of)?;
        self.function.params.push(Param {
            name: name.to_string(),
            kind,
        });
        Ok(())
    }

    fn constraint(&mut self) -> Parsed<Constraint> {
        let left = self.dim()?;
        let relation = if self.eat("==") {
            Relation::Equal
        } else if self.eat("<=") {
            Relation::AtMost
        } else if self.eat("<") {
            Relation::Below
        } else {
            return Err(self.expected("`==`, `<=` or `<`"));
        };
        Ok(Constraint {
            left,
            relation,
            right: self.dim()?,
        })
    }

    fn announced(&self, announced: &[Type]) -> Parsed<()> {
        let results = &self.function.results;
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

    fn pullback(&mut self) -> Parsed<()> {
        let mut out = PullbackBody::default();
        self.sign("(")?;
        while !self.eat(")") {
            if self.eat_word("_") {
                out.cotangents.push(None);
            } else {
                let name = self.value_name()?;
                self.sign(":")?;
                let of = self.of_type()?;
                out.cotangents.push(Some(self.define(name, of)?));
            }
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
        self.sign("{")?;
        out.body = self.body()?;
        self.word("return")?;
        out.gradients = vec![None; self.function.params.len()];
        while self.peek() == Some(b'%') {
            let name = self.value_name()?;
            let known = self.function.param(name);
            let param = known.ok_or_else(|| ParseProblem::UnknownParam(name.into()))?;
            self.sign(":")?;
            out.gradients[param.index()] = Some(self.value()?);
            if !self.eat(",") {
                break;
            }
        }
        self.sign("}")?;
        self.function.pullback = Some(out);
        Ok(())
    }

    /// The instructions up to `return`.
    fn body(&mut self) -> Parsed<Vec<Inst>> {
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
        let operands = match self.peek() {
            Some(b'%') => self.operands()?,
            _ => Vec::new(),
        };
        let mut attributes = Vec::with_capacity(op.attributes.len());
        // Axes wait for the shape they count on, which may stand behind them.
        let mut written: Vec<(usize, Of, Vec<Written<'a>>)> = Vec::new();
        for (i, spec) in op.attributes.iter().enumerate() {
            if let AttributeKind::Axes(of) = spec.kind {
                attributes.push(Attribute::Axes(Vec::new()));
                if self.eat_word(spec.name) {
                    written.push((i, of, self.written_axes()?));
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
            });
        }
        for (i, of, axes) in written {
            let stated = attributes.iter().find_map(|a| match a {
                Attribute::Shape(s) => Some(s),
                _ => None,
            });
            let operand = |k: usize| operands.get(k).map(|v| &self.builder.type_of(*v).shape);
            let shape = match of {
                Of::Operand(k) => operand(k),
                Of::Result => stated.or(operand(0)),
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

    fn call(&mut self, names: &[&'a str]) -> Parsed<()> {
        self.sign("@")?;
        let callee = self.path()?.to_string();
        let mut sizes = Vec::new();
        let mut sequence = None;
        if self.eat("<") {
            loop {
                if self.eat("[") {
                    let symbol = Symbol::new(self.path()?);
                    self.sign("]")?;
                    self.sign("=")?;
                    self.sign("[")?;
                    sequence = Some((symbol, self.shape()?));
                } else {
                    let symbol = Symbol::new(self.path()?);
                    self.sign("=")?;
                    sizes.push((symbol, self.dim()?));
                }
                if !self.eat(",") {
                    self.sign(">")?;
                    break;
                }
            }
        }
        self.sign("(")?;
        let operands = match self.peek() {
            Some(b'%') => self.operands()?,
            _ => Vec::new(),
        };
        self.sign(")")?;
        self.sign("->")?;
        let types = self.types()?;
        if types.len() != names.len() {
            return Err(ParseProblem::Count {
                announced: names.len(),
                found: types.len(),
            });
        }
        let location = self.location()?;
        let mut results = Vec::with_capacity(names.len());
        for (name, of) in names.iter().zip(types) {
            results.push(self.define(name, of)?);
        }
        self.builder.insts.push(Inst::Call(Call {
            callee,
            sizes,
            sequence,
            operands,
            results,
            location,
        }));
        Ok(())
    }

    fn pullback_call(&mut self, names: &[&'a str]) -> Parsed<()> {
        let called = self.value_name()?;
        let call = self.known(called)?;
        self.sign("(")?;
        let mut cotangents = Vec::new();
        while !self.eat(")") {
            cotangents.push(if self.eat_word("_") {
                None
            } else {
                Some(self.value()?)
            });
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
        self.word("of")?;
        self.sign("[")?;
        let mut positions = Vec::new();
        while !self.eat("]") {
            positions.push(self.integer()?);
            if !self.eat(",") {
                self.sign("]")?;
                break;
            }
        }
        if positions.len() != names.len() {
            return Err(ParseProblem::Count {
                announced: names.len(),
                found: positions.len(),
            });
        }
        let primal = self.function.body.iter().find_map(|i| match i {
            Inst::Call(c) if c.results.first() == Some(&call) => Some(c),
            _ => None,
        });
        let operands = primal.ok_or_else(|| ParseProblem::NoCall(called.to_string()))?;
        let mut types = Vec::with_capacity(names.len());
        for p in &positions {
            let operand = operands.operands.get(*p).ok_or(ParseProblem::Count {
                announced: p + 1,
                found: operands.operands.len(),
            })?;
            types.push(self.builder.type_of(*operand).clone());
        }
        let mut results = Vec::with_capacity(names.len());
        for ((name, of), position) in names.iter().zip(types).zip(positions) {
            results.push((position, self.define(name, of)?));
        }
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call,
            cotangents,
            results,
        }));
        Ok(())
    }

    // Values.

    fn value_name(&mut self) -> Parsed<&'a str> {
        self.sign("%")?;
        self.run(|c| c.is_alphanumeric() || c == '_' || c == '.', "a name")
    }

    fn known(&self, name: &str) -> Parsed<Value> {
        let value = self.names.get(name).copied();
        value.ok_or_else(|| ParseProblem::UnknownValue(name.to_string()))
    }

    fn value(&mut self) -> Parsed<Value> {
        let name = self.value_name()?;
        self.known(name)
    }

    fn operands(&mut self) -> Parsed<Vec<Value>> {
        let mut out = vec![self.value()?];
        while self.eat(",") {
            out.push(self.value()?);
        }
        Ok(out)
    }

    fn name(&mut self, name: &'a str, value: Value) -> Parsed<()> {
        match self.names.insert(name, value) {
            Some(_) => Err(ParseProblem::Redefined(name.to_string())),
            None => Ok(()),
        }
    }

    fn define(&mut self, name: &'a str, of: Type) -> Parsed<Value> {
        let value = self.builder.value(of);
        self.name(name, value)?;
        Ok(value)
    }

    // Types.

    fn types(&mut self) -> Parsed<Vec<Type>> {
        if self.eat("()") {
            return Ok(Vec::new());
        }
        let mut out = vec![self.of_type()?];
        while self.eat(",") {
            out.push(self.of_type()?);
        }
        Ok(out)
    }

    fn of_type(&mut self) -> Parsed<Type> {
        let dtype = self.dtype()?;
        self.sign("[")?;
        Ok(Type::new(dtype, self.shape()?))
    }

    fn dtype(&mut self) -> Parsed<DType> {
        let start = self.at;
        let name = self.path()?;
        DType::parse(name).ok_or_else(|| {
            self.at = start;
            self.expected("an element type")
        })
    }

    /// A shape and the `]` behind it.
    fn shape(&mut self) -> Parsed<Shape> {
        let mut out = Shape::scalar();
        if self.eat("[") {
            let name = self.path()?;
            out.sequence = Some(self.symbol(name, true)?);
            self.sign("]")?;
            if !self.eat(",") {
                self.sign("]")?;
                return Ok(out);
            }
        }
        out.dims = self.dims()?;
        Ok(out)
    }

    /// Dims and the `]` behind them.
    fn dims(&mut self) -> Parsed<Vec<Dim>> {
        let mut out = Vec::new();
        while !self.eat("]") {
            out.push(self.dim()?);
            if !self.eat(",") {
                self.sign("]")?;
                break;
            }
        }
        Ok(out)
    }

    fn written_axes(&mut self) -> Parsed<Vec<Written<'a>>> {
        let mut out = Vec::new();
        self.sign("[")?;
        while !self.eat("]") {
            out.push(if self.eat("-") {
                Written::Right(self.integer()?)
            } else if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                Written::Left(self.integer()?)
            } else {
                Written::Sequence(self.path()?)
            });
            if !self.eat(",") {
                self.sign("]")?;
                break;
            }
        }
        Ok(out)
    }

    fn symbol(&self, name: &str, sequence: bool) -> Parsed<Symbol> {
        match self.symbols.get(name) {
            Some((s, kind)) if (*kind == SymbolKind::Sequence) == sequence => Ok(s.clone()),
            _ => Err(ParseProblem::UnknownSymbol(name.to_string())),
        }
    }

    fn dim(&mut self) -> Parsed<Dim> {
        let mut out = if self.eat("-") {
            let term = self.product()?;
            Dim::default().checked_sub(&term).ok_or(ParseProblem::Dim)?
        } else {
            self.product()?
        };
        loop {
            // `->` follows a dim in no place where `-` could.
            let next = if self.eat("+") {
                let term = self.product()?;
                out.checked_add(&term)
            } else if self.eat("-") {
                let term = self.product()?;
                out.checked_sub(&term)
            } else {
                return Ok(out);
            };
            out = next.ok_or(ParseProblem::Dim)?;
        }
    }

    fn product(&mut self) -> Parsed<Dim> {
        let mut out = self.factor()?;
        loop {
            let next = if self.eat("*") {
                let factor = self.factor()?;
                out.checked_mul(&factor)
            } else if self.eat("/") {
                let factor = self.factor()?;
                out.floor_div(&factor)
            } else {
                return Ok(out);
            };
            out = next.ok_or(ParseProblem::Dim)?;
        }
    }

    fn factor(&mut self) -> Parsed<Dim> {
        if self.eat("(") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(ParseProblem::Depth);
            }
            let out = self.dim()?;
            self.sign(")")?;
            self.depth -= 1;
            return Ok(out);
        }
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let start = self.at;
            let digits = self.run(|c| c.is_ascii_digit(), "a number")?;
            return match digits.parse() {
                Ok(value) => Ok(Dim::constant(value)),
                Err(_) => {
                    self.at = start;
                    Err(ParseProblem::Dim)
                }
            };
        }
        let name = self.path()?;
        Ok(Dim::from(self.symbol(name, false)?))
    }

    fn number(&mut self) -> Parsed<f64> {
        self.space();
        let start = self.at;
        let negative = self.eat("-");
        let digits = self.run(
            |c| c.is_ascii_alphanumeric() || c == '.' || c == '-',
            "a number",
        )?;
        let magnitude = match digits {
            "nan" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            _ if digits.starts_with(|c: char| c.is_ascii_digit()) => digits.parse::<f64>().ok(),
            _ => None,
        };
        match magnitude {
            Some(m) if negative => Ok(-m),
            Some(m) => Ok(m),
            None => {
                self.at = start;
                Err(self.expected("a number"))
            }
        }
    }

    fn integer(&mut self) -> Parsed<usize> {
        let start = self.at;
        let digits = self.run(|c| c.is_ascii_digit(), "a number")?;
        digits.parse().map_err(|_| {
            self.at = start;
            self.expected("a number that fits")
        })
    }

    fn location(&mut self) -> Parsed<Option<Location>> {
        if !self.eat_word("at") {
            return Ok(None);
        }
        let line = self.integer()?;
        self.sign(":")?;
        let column = self.integer()?;
        match (u32::try_from(line), u32::try_from(column)) {
            (Ok(line), Ok(column)) => Ok(Some(Location::new(line, column))),
            _ => Err(self.expected("a place that fits 32 bits")),
        }
    }

    // Characters.

    fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(c) = bytes.get(self.at) {
            match c {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                b';' => {
                    let rest = &bytes[self.at..];
                    self.at += rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, sign: &str) -> bool {
        self.space();
        let found = self.text.as_bytes()[self.at..].starts_with(sign.as_bytes());
        // `->` is no minus, `<=` no bracket.
        let longer = match sign {
            "-" => self.text.as_bytes().get(self.at + 1) == Some(&b'>'),
            _ => false,
        };
        if found && !longer {
            self.at += sign.len();
        }
        found && !longer
    }

    fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        match self.eat(sign) {
            true => Ok(()),
            false => Err(self.expected(sign)),
        }
    }

    fn run(&mut self, holds: fn(char) -> bool, what: &'static str) -> Parsed<&'a str> {
        self.space();
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected(what));
        }
        self.last = self.at;
        self.at += end;
        Ok(&rest[..end])
    }

    /// A name, which may be a path (`Linear::forward`, `m.width`).
    fn path(&mut self) -> Parsed<&'a str> {
        self.space();
        let bytes = self.text.as_bytes();
        let start = self.at;
        while let Some(c) = bytes.get(self.at) {
            match c {
                b'_' | b'.' => self.at += 1,
                c if c.is_ascii_alphanumeric() || *c >= 0x80 => self.at += 1,
                b':' if bytes.get(self.at + 1) == Some(&b':') => self.at += 2,
                _ => break,
            }
        }
        self.last = start;
        match self.at > start {
            true => Ok(&self.text[start..self.at]),
            false => Err(self.expected("a name")),
        }
    }

    fn ident_follows(&mut self) -> bool {
        self.peek()
            .is_some_and(|c| c == b'_' || c.is_ascii_alphabetic() || c >= 0x80)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        let rest = &self.text.as_bytes()[self.at..];
        let ends = match rest.get(word.len()) {
            Some(c) => !(c.is_ascii_alphanumeric() || *c == b'_' || *c >= 0x80),
            None => true,
        };
        let found = ends && rest.starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn word(&mut self, word: &'static str) -> Parsed<()> {
        match self.eat_word(word) {
            true => Ok(()),
            false => Err(self.expected(word)),
        }
    }

    fn expected(&mut self, expected: &'static str) -> ParseProblem {
        self.space();
        ParseProblem::Expected {
            expected,
            found: self.text[self.at..].chars().take(16).collect(),
        }
    }
}

fn resolve(axis: &Written<'_>, shape: &Shape) -> Parsed<Axis> {
    let missing = |axis: String| ParseProblem::Axis {
        axis,
        shape: shape.clone(),
    };
    match axis {
        Written::Left(a) if shape.sequence.is_none() && *a < shape.len() => Ok(Axis::At(*a)),
        Written::Left(a) => Err(missing(a.to_string())),
        Written::Right(a) => match shape.len().checked_sub(*a) {
            Some(i) if *a > 0 => Ok(Axis::At(i)),
            _ => Err(missing(format!("-{a}"))),
        },
        Written::Sequence(name) => match &shape.sequence {
            Some(s) if s.name() == *name => Ok(Axis::Sequence),
            _ => Err(missing((*name).to_string())),
        },
    }
}

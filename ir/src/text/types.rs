//! Reads types, shapes, dims, axes and numbers.

use super::error::{DEPTH, ParseProblem};
use super::parse::{Parsed, Parser};
use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::function::Location;
use crate::shape::{Axis, Shape, Type};
use crate::symbol::{Number, SymbolType};

/// An axis as written, before the shape it counts on is known.
pub(super) enum Written<'a> {
    Left(usize),
    Right(usize),
    Sequence(&'a str),
}

impl<'a> Parser<'a> {
    pub(super) fn types(&mut self) -> Parsed<Vec<Type>> {
        if self.eat("()") {
            return Ok(Vec::new());
        }
        let mut out = vec![self.of_type()?];
        while self.eat(",") {
            out.push(self.of_type()?);
        }
        Ok(out)
    }

    pub(super) fn of_type(&mut self) -> Parsed<Type> {
        let dtype = self.dtype()?;
        self.sign("[")?;
        Ok(Type::new(dtype, self.shape()?))
    }

    pub(super) fn dtype(&mut self) -> Parsed<DType> {
        let start = self.at;
        let name = self.path()?;
        DType::parse(name).ok_or_else(|| {
            self.at = start;
            self.expected("an element type")
        })
    }

    /// A shape and the `]` behind it.
    pub(super) fn shape(&mut self) -> Parsed<Shape> {
        let mut out = Shape::scalar();
        if self.eat("[") {
            let name = self.path()?;
            out.sequence = Some(self.symbol(name, None)?);
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
    pub(super) fn dims(&mut self) -> Parsed<Vec<Dim>> {
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

    pub(super) fn written_axes(&mut self) -> Parsed<Vec<Written<'a>>> {
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

    /// The symbol called `name`, of a type; a sequence, where none is asked for.
    pub(super) fn symbol(&self, name: &str, ty: Option<SymbolType>) -> Parsed<Symbol> {
        match self.symbols.get(name) {
            Some((s, kind)) if kind.value_type() == ty => Ok(s.clone()),
            _ => Err(ParseProblem::UnknownSymbol(name.to_string())),
        }
    }

    pub(super) fn dim(&mut self) -> Parsed<Dim> {
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

    pub(super) fn product(&mut self) -> Parsed<Dim> {
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

    pub(super) fn factor(&mut self) -> Parsed<Dim> {
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
        Ok(Dim::from(self.symbol(name, Some(SymbolType::Size))?))
    }

    /// A number that may be a symbol's.
    pub(super) fn number(&mut self) -> Parsed<Number> {
        let start = self.at;
        if self.ident_follows() {
            let name = self.path()?;
            if SymbolType::Float.allows(name) {
                let symbol = self.symbol(name, Some(SymbolType::Float))?;
                return Ok(Number::Symbol(symbol));
            }
            self.at = start;
        }
        self.written_number().map(Number::Known)
    }

    pub(super) fn written_number(&mut self) -> Parsed<f64> {
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

    pub(super) fn integer(&mut self) -> Parsed<usize> {
        let start = self.at;
        let digits = self.run(|c| c.is_ascii_digit(), "a number")?;
        digits.parse().map_err(|_| {
            self.at = start;
            self.expected("a number that fits")
        })
    }

    pub(super) fn location(&mut self) -> Parsed<Option<Location>> {
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
}

/// The axis meant, of `shape`.
pub(super) fn resolve(axis: &Written<'_>, shape: &Shape) -> Parsed<Axis> {
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

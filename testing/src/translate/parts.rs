//! Cases of patterns of axes, updates of parts, padding, windows and grids.

use super::{Built, Translator};
use crate::CaseError;
use serde_json::Value as Json;
use sinew_ir::{
    Axis, Dim, Value,
    compose::{self, Arranging, Pattern, Reach},
    ops,
};

impl Translator<'_> {
    /// The results of such a case; `None` for other operations.
    pub(super) fn parts(&mut self) -> Result<Option<Vec<Value>>, CaseError> {
        let result = match self.case.op.as_str() {
            "rearrange" => self.pattern(Arranging::Rearrange)?,
            "repeat" => self.pattern(Arranging::Repeat)?,
            "reduce" => {
                let op = self.argument("reduction").as_str().and_then(ops::find);
                let op = op.ok_or_else(|| self.case.form("an unknown reduction"))?;
                self.pattern(Arranging::Reduce(op))?
            }
            "set" | "add_to" | "set_at" | "add_at" => self.update()?,
            "take_points" => {
                let x = self.input("x")?;
                let indices = self.inputs_called("y")?;
                let first = usize::try_from(self.whole("first")?).unwrap_or(usize::MAX);
                compose::take_points(&mut self.b, x, first, &indices)?
            }
            "pad" if self.argument("mode").is_string() => {
                let x = self.input("x")?;
                let widths = self.widths()?;
                match self.argument("mode").as_str() {
                    Some("edge") => compose::pad_edge(&mut self.b, x, &widths)?,
                    _ => compose::pad_reflect(&mut self.b, x, &widths)?,
                }
            }
            "triu" => {
                let x = self.input("x")?;
                let k = i32::try_from(self.whole("k")?).unwrap_or(0);
                compose::triu(&mut self.b, x, k)?
            }
            "windows" => {
                let x = self.input("x")?;
                let axis = self.axis(x)?;
                let (size, step) = (self.dim("size")?, self.dim("step")?);
                let dilation = self.dim("dilation")?;
                compose::windows(&mut self.b, x, axis, size, step, dilation)?
            }
            "meshgrid" => {
                let rows = self.inputs_called("x")?;
                let xy = self.argument("xy").as_bool().unwrap_or(true);
                return Ok(Some(compose::meshgrid(&mut self.b, &rows, xy)?));
            }
            _ => return Ok(None),
        };
        Ok(Some(vec![result]))
    }

    /// The inputs `x0`, `x1`, ..
    fn inputs_called(&self, letter: &str) -> Result<Vec<Value>, CaseError> {
        let named = self.case.inputs.iter().map(|(name, _)| name);
        let numbered = |name: &&String| {
            let number = name.strip_prefix(letter);
            number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
        };
        named
            .filter(numbered)
            .map(|name| self.input(name))
            .collect()
    }

    fn pattern(&mut self, how: Arranging) -> Built {
        let x = self.input("x")?;
        let text = self.argument("pattern").as_str().unwrap_or_default();
        let pattern = Pattern::parse(text).map_err(|e| self.case.form(&e.to_string()))?;
        let sizes = self.argument("sizes").as_object().into_iter().flatten();
        let size = |(name, n): (&String, &Json)| Some((name.clone(), Dim::constant(n.as_i64()?)));
        let sizes: Option<Vec<(String, Dim)>> = sizes.map(size).collect();
        let sizes = sizes.ok_or_else(|| self.case.form("sizes are whole numbers"))?;
        Ok(compose::arrange(&mut self.b, x, &pattern, how, &sizes)?)
    }

    fn update(&mut self) -> Built {
        let (x, y) = (self.input("x")?, self.input("y")?);
        match self.case.op.as_str() {
            "set_at" => {
                let (axis, i) = (self.axis(x)?, self.input("i")?);
                Ok(compose::set_at(&mut self.b, x, axis, i, y)?)
            }
            "add_at" => {
                let (axis, i) = (self.axis(x)?, self.input("i")?);
                Ok(compose::add_at(&mut self.b, x, axis, i, y)?)
            }
            op => {
                let parts = self.argument("index").as_array().into_iter().flatten();
                let reach = parts.map(|part| self.reach(part));
                let reach = reach.collect::<Result<Vec<Reach>, CaseError>>()?;
                match op {
                    "set" => Ok(compose::set(&mut self.b, x, &reach, y)?),
                    _ => Ok(compose::add_to(&mut self.b, x, &reach, y)?),
                }
            }
        }
    }

    /// Null is all of an axis, a number an index, a list a range, a text the input that is the index.
    fn reach(&self, part: &Json) -> Result<Reach, CaseError> {
        if let Some(name) = part.as_str() {
            return Ok(Reach::Index(self.input(name)?));
        }
        if part.is_null() {
            return Ok(Reach::Whole);
        }
        match (part.is_array(), self.wholes(part)?.as_slice()) {
            (false, [at]) => Ok(Reach::Point(Dim::constant(*at))),
            (true, [start, stop, step]) => Ok(Reach::Range {
                start: Dim::constant(*start),
                stop: Dim::constant(*stop),
                step: Dim::constant(*step),
            }),
            _ => Err(self.case.form("a part of an index is of another form")),
        }
    }

    /// The pairs of `widths`, for the first axes.
    pub(super) fn widths(&self) -> Result<Vec<compose::Widths>, CaseError> {
        let pairs = self.argument("widths").as_array().into_iter().flatten();
        let pair = |(i, pair): (usize, &Json)| match self.wholes(pair)?.as_slice() {
            [low, high] => Ok((Axis::At(i), Dim::constant(*low), Dim::constant(*high))),
            _ => Err(self.case.form("`widths` are pairs")),
        };
        pairs.enumerate().map(pair).collect()
    }
}

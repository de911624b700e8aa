//! Cases of layers and losses: compositions.

use super::{Built, Translator};
use crate::CaseError;
use serde_json::Value as Json;
use sinew_ir::{
    Axis, DType, Dim, Shape, Value,
    compose::{self, Labels, Reduce},
    ops,
};

impl Translator<'_> {
    /// Softmax over the last axis where `allowed` (a bool that broadcasts) or a causal mask lets it.
    fn masked_softmax(&mut self, scores: Value, allowed: Option<Value>) -> Built {
        let b = &mut self.b;
        let mut scores = scores;
        if let Some(allowed) = allowed {
            let out = b.constant(f64::NEG_INFINITY, DType::Float, Shape::scalar())?;
            scores = compose::select(b, allowed, scores, out)?;
        }
        let last = compose::axis(&b.type_of(scores).shape, -1)?;
        Ok(compose::along(b, ops::SOFTMAX, scores, last)?)
    }

    /// Which of the last axis's indices are not behind those of the axis before it.
    fn causal(&mut self, scores: Value) -> Built {
        let dims = self.shape(scores).dims;
        let square = Shape::new(dims[dims.len().saturating_sub(2)..].to_vec());
        let b = &mut self.b;
        let ones = b.constant(1.0, DType::I32, square)?;
        let lower_part = compose::tril(b, ones, 0)?;
        Ok(b.cast(lower_part, DType::Bool)?)
    }

    pub(super) fn attention(&mut self) -> Built {
        if self.case.op == "softmax_causal" {
            let x = self.input("x")?;
            let mask = self.causal(x)?;
            return self.masked_softmax(x, Some(mask));
        }
        let (q, k, v) = (self.input("q")?, self.input("k")?, self.input("v")?);
        let width = self.shape(q).dims.last().and_then(Dim::as_extent);
        let width = width.ok_or_else(|| self.case.form("q has no last axis"))?;
        let across = compose::swapaxes(&mut self.b, k, -1, -2)?;
        let scores = compose::matmul(&mut self.b, q, across)?;
        let scores = self.b.scale(scores, 1.0 / (width as f64).sqrt())?;
        let allowed = match self.argument("causal").as_bool() {
            Some(true) => Some(self.causal(scores)?),
            Some(false) | None => match self.argument("mask") {
                Json::Null => None,
                _ => Some(self.input("mask")?),
            },
        };
        let weights = self.masked_softmax(scores, allowed)?;
        Ok(compose::matmul(&mut self.b, weights, v)?)
    }

    /// `x / sqrt(square + eps)`, `square` broadcast.
    fn over_root(&mut self, x: Value, square: Value, eps: f64) -> Built {
        let b = &mut self.b;
        let sum = b.with(ops::ADD, square, eps)?;
        let root = b.sqrt(sum)?;
        Ok(compose::binary(b, ops::DIV, x, root)?)
    }

    pub(super) fn normed(&mut self) -> Built {
        let (x, g) = (self.input("x")?, self.input("g")?);
        let eps = self.number("eps")?;
        let last = vec![compose::axis(&self.shape(x), -1)?];
        if self.case.op == "rms_norm" {
            let square = self.b.square(x)?;
            let mean = compose::reduce(&mut self.b, ops::MEAN, square, &last, true)?;
            let unit = self.over_root(x, mean, eps)?;
            return Ok(compose::binary(&mut self.b, ops::MUL, unit, g)?);
        }
        let bias = self.input("b")?;
        let mean = compose::reduce(&mut self.b, ops::MEAN, x, &last, true)?;
        let centred = compose::binary(&mut self.b, ops::SUB, x, mean)?;
        let var = compose::var(&mut self.b, x, &last, &0.0.into(), true)?;
        let unit = self.over_root(centred, var, eps)?;
        let scaled = compose::binary(&mut self.b, ops::MUL, unit, g)?;
        Ok(compose::binary(&mut self.b, ops::ADD, scaled, bias)?)
    }

    /// y, and the running mean and variance after one update from 0 and 1.
    pub(super) fn batch_norm(&mut self) -> Result<Vec<Value>, CaseError> {
        let (x, g, bias) = (self.input("x")?, self.input("g")?, self.input("b")?);
        let (eps, momentum) = (self.number("eps")?, self.number("momentum")?);
        let shape = self.shape(x);
        let channel = Axis::At(1);
        let axes: Vec<Axis> = shape.axes().into_iter().filter(|a| *a != channel).collect();
        let mean = compose::reduce(&mut self.b, ops::MEAN, x, &axes, true)?;
        let centred = compose::binary(&mut self.b, ops::SUB, x, mean)?;
        let var = compose::var(&mut self.b, x, &axes, &0.0.into(), true)?;
        let unit = self.over_root(centred, var, eps)?;
        let b = &mut self.b;
        let g = b.broadcast(g, &shape, &axes)?;
        let bias = b.broadcast(bias, &shape, &axes)?;
        let scaled = b.mul(unit, g)?;
        let y = b.add(scaled, bias)?;
        let x = b.op(ops::STOP_GRADIENT, &[x], Vec::new())?;
        let mean = b.over(ops::MEAN, x, &axes)?;
        let running_mean = b.scale(mean, momentum)?;
        let var = compose::var(b, x, &axes, &1.0.into(), false)?;
        let var = b.scale(var, momentum)?;
        let running_var = b.with(ops::ADD, var, 1.0 - momentum)?;
        Ok(vec![y, running_mean, running_var])
    }

    pub(super) fn loss(&mut self) -> Built {
        let (x, y) = (self.input("x")?, self.input("y")?);
        let reduce = self.reduction()?;
        let losses = match self.case.op.as_str() {
            "cross_entropy" | "nll_loss" => return self.of_labels(x, y, reduce),
            "mse_loss" if reduce == Reduce::Mean => {
                return Ok(self.b.op(ops::MSE, &[x, y], Vec::new())?);
            }
            "mse_loss" => {
                let distance = self.b.sub(x, y)?;
                self.b.square(distance)?
            }
            "l1_loss" => {
                let distance = self.b.sub(x, y)?;
                self.b.abs(distance)?
            }
            "huber_loss" => {
                let delta = self.number_or("delta", 1.0);
                let distance = self.b.sub(x, y)?;
                compose::huber(&mut self.b, distance, &delta.into())?
            }
            "binary_cross_entropy" => compose::binary_cross_entropy(&mut self.b, x, y)?,
            "binary_cross_entropy_with_logits" => {
                compose::binary_cross_entropy_with_logits(&mut self.b, x, y)?
            }
            "hinge_loss" => {
                let b = &mut self.b;
                let product = b.mul(x, y)?;
                let one = b.like(1.0, product)?;
                let margin = b.sub(one, product)?;
                b.op(ops::RELU, &[margin], Vec::new())?
            }
            _ => return Err(self.case.form("an operation that is in no list")),
        };
        Ok(compose::reduced(&mut self.b, losses, reduce)?)
    }

    fn of_labels(&mut self, x: Value, y: Value, reduce: Reduce) -> Built {
        let ignore = self.argument("ignore_index").as_i64().unwrap_or(-100);
        let ignore = i32::try_from(ignore).map_err(|_| self.case.form("`ignore_index`"))?;
        let smoothing = self.number_or("label_smoothing", 0.0);
        // PyTorch's classes are the second axis, or the only one.
        let axis = Axis::At(usize::from(self.shape(x).len() > 1));
        let labels = Labels {
            of_rows: y,
            axis,
            ignore_index: ignore,
            weight: None,
            reduce,
        };
        let b = &mut self.b;
        if self.case.op == "nll_loss" {
            // The case's input is logits.
            let x = compose::along(b, ops::LOG_SOFTMAX, x, axis)?;
            return Ok(compose::nll_loss(b, x, &labels)?);
        }
        Ok(compose::cross_entropy(b, x, &labels, &smoothing.into())?)
    }
}

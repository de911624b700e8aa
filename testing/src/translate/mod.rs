//! Cases to functions: what each operation's name means in terms of `lower` and the table.

mod along;
mod convolutions;
mod layers;
mod parts;

use super::{Case, CaseError};
use crate::with_gradients;
use serde_json::Value as Json;
use sinew_ir::{
    Arity, Array, Axis, Block, Builder, DType, Dim, Function, Inst, Param, ParamKind, Shape, Value,
    attributes::Over,
    compose::{self, Reduce},
    derive_pullback, ops,
};

/// The operations that are layers of the library, written in its own language and tested where those are.
pub const LAYERS: &[&str] = &["lstm", "gru", "rnn_tanh"];

/// The function of a case; `None` if it is one of [`LAYERS`].
pub(super) fn function(case: &Case) -> Result<Option<Function>, CaseError> {
    if LAYERS.contains(&case.op.as_str()) {
        return Ok(None);
    }
    if case.op == "second_order" {
        return second_order(case).map(Some);
    }
    let mut t = Translator::new(case);
    let results = t.results()?;
    let mut function = Function {
        name: case.op.clone(),
        params: params(case),
        values: t.b.values,
        body: Block::body(case.inputs.len(), t.b.insts, results),
        ..Function::default()
    };
    function.compact();
    Ok(Some(function))
}

fn params(case: &Case) -> Vec<Param> {
    let named = |(name, _): &(String, Array)| Param {
        name: name.clone(),
        kind: ParamKind::Input,
    };
    case.inputs.iter().map(named).collect()
}

/// `sum(grad(f)(x)^2)` for `f = sum(tanh(x) * x)`: the pass applied to its own output.
fn second_order(case: &Case) -> Result<Function, CaseError> {
    let mut b = Builder::default();
    let ty = case.input(0)?.type_of();
    let x = b.value(ty.clone());
    let t = b.tanh(x)?;
    let product = b.mul(t, x)?;
    let sum = compose::reduced(&mut b, product, Reduce::Sum)?;
    let mut first = Function {
        name: case.op.clone(),
        params: params(case),
        values: b.values,
        body: Block::body(1, b.insts, vec![sum]),
        ..Function::default()
    };
    derive_pullback(&mut first, &|_| None)?;
    let with = with_gradients(&first).ok_or_else(|| case.form("f has calls"))?;
    let gradient = *with
        .body
        .results
        .last()
        .ok_or_else(|| case.form("f has no result"))?;
    // The same again, with a cotangent of one.
    let mut b = Builder::default();
    let x = b.value(ty);
    let one = b.constant(1.0, DType::Float, Shape::scalar())?;
    let mut now = vec![x, one];
    for i in with.body.insts.iter().filter_map(Inst::op) {
        let operands: Vec<Value> = i.operands.iter().map(|v| now[v.index()]).collect();
        now.push(b.op(i.op, &operands, i.attributes.0.clone())?);
    }
    let square = b.square(now[gradient.index()])?;
    let out = compose::reduced(&mut b, square, Reduce::Sum)?;
    Ok(Function {
        name: case.op.clone(),
        params: params(case),
        values: b.values,
        body: Block::body(1, b.insts, vec![out]),
        ..Function::default()
    })
}

impl Case {
    pub(super) fn form(&self, what: &str) -> CaseError {
        CaseError::Form {
            case: self.name.clone(),
            what: what.to_string(),
        }
    }

    fn input(&self, i: usize) -> Result<&Array, CaseError> {
        let input = self.inputs.get(i).map(|(_, x)| x);
        input.ok_or_else(|| self.form("an input is missing"))
    }
}

type Built = Result<Value, CaseError>;

struct Translator<'c> {
    case: &'c Case,
    b: Builder,
}

impl<'c> Translator<'c> {
    fn new(case: &'c Case) -> Self {
        let mut b = Builder::default();
        for (_, x) in &case.inputs {
            b.value(x.type_of());
        }
        Translator { case, b }
    }

    /// The input called `name`.
    fn input(&self, name: &str) -> Built {
        let at = self.case.inputs.iter().position(|(n, _)| n == name);
        let at = at.and_then(|i| u32::try_from(i).ok()).map(Value);
        at.ok_or_else(|| self.case.form(&format!("the input `{name}` is missing")))
    }

    fn shape(&self, x: Value) -> Shape {
        self.b.type_of(x).shape.clone()
    }

    fn axes_of(&self, x: Value) -> Vec<Axis> {
        self.shape(x).axes()
    }

    fn argument(&self, name: &str) -> &'c Json {
        &self.case.args[name]
    }

    fn number(&self, name: &str) -> Result<f64, CaseError> {
        let found = self.argument(name).as_f64();
        found.ok_or_else(|| self.case.form(&format!("`{name}` must be a number")))
    }

    fn number_or(&self, name: &str, otherwise: f64) -> f64 {
        self.argument(name).as_f64().unwrap_or(otherwise)
    }

    fn whole(&self, name: &str) -> Result<i64, CaseError> {
        let found = self.argument(name).as_i64();
        found.ok_or_else(|| self.case.form(&format!("`{name}` must be a whole number")))
    }

    fn dim(&self, name: &str) -> Result<Dim, CaseError> {
        self.whole(name).map(Dim::constant)
    }

    /// A list of whole numbers; one number is a list of one.
    fn wholes(&self, argument: &Json) -> Result<Vec<i64>, CaseError> {
        let found = match argument {
            Json::Array(list) => list.iter().map(Json::as_i64).collect(),
            one => one.as_i64().map(|i| vec![i]),
        };
        found.ok_or_else(|| self.case.form("a list of whole numbers is missing"))
    }

    /// The axis that the argument `axis` names.
    fn axis(&self, x: Value) -> Result<Axis, CaseError> {
        Ok(compose::axis(&self.shape(x), self.whole("axis")?)?)
    }

    /// The axes that the argument `axis` names; all without it.
    fn axes(&self, x: Value) -> Result<Vec<Axis>, CaseError> {
        match self.argument("axis") {
            Json::Null => Ok(self.axes_of(x)),
            axes => Ok(compose::axes(&self.shape(x), &self.wholes(axes)?)?),
        }
    }

    fn keepdims(&self) -> bool {
        self.argument("keepdims").as_bool().unwrap_or(false)
    }

    fn reduction(&self) -> Result<Reduce, CaseError> {
        match self.argument("reduction").as_str() {
            None | Some("mean") => Ok(Reduce::Mean),
            Some("sum") => Ok(Reduce::Sum),
            Some("none") => Ok(Reduce::None),
            Some(_) => Err(self.case.form("an unknown reduction")),
        }
    }

    fn results(&mut self) -> Result<Vec<Value>, CaseError> {
        if let Some(results) = self.along()? {
            return Ok(results);
        }
        if let Some(results) = self.parts()? {
            return Ok(results);
        }
        match self.case.op.as_str() {
            "split" => {
                let x = self.input("x")?;
                let sizes = self.wholes(self.argument("sizes"))?;
                let sizes: Vec<Dim> = sizes.into_iter().map(Dim::constant).collect();
                let axis = self.axis(x)?;
                Ok(compose::split(&mut self.b, x, &sizes, axis)?)
            }
            "batch_norm" => self.batch_norm(),
            _ => Ok(vec![self.result()?]),
        }
    }

    fn result(&mut self) -> Built {
        let op = self.case.op.as_str();
        if let Some(op) = ops::find(op).filter(|op| op.arity == Arity::Exactly(1)) {
            let arguments = self.case.args.as_object().is_some_and(|a| !a.is_empty());
            if op.attributes.is_empty() && !arguments {
                let x = self.input("x")?;
                return Ok(self.b.op(op, &[x], Vec::new())?);
            }
            // A permutation has axes too.
            if op.attributes == Over::SPECS && op.kind.view().is_none() {
                let x = self.input("x")?;
                let (axes, keep) = (self.axes(x)?, self.keepdims());
                return Ok(compose::reduce(&mut self.b, op, x, &axes, keep)?);
            }
        }
        match op {
            "gelu" => {
                let x = self.input("x")?;
                let op = match self.argument("approximate").as_str() {
                    Some("tanh") => ops::GELU_TANH,
                    Some(_) | None => ops::GELU,
                };
                Ok(self.b.op(op, &[x], Vec::new())?)
            }
            "elu" | "leaky_relu" | "clamp" | "pow" => self.piecewise(),
            "add" | "sub" | "mul" | "div" | "maximum" | "minimum" | "lt" | "le" | "eq" | "ne" => {
                let (x, y) = (self.input("x")?, self.input("y")?);
                let op = ops::find(op).ok_or_else(|| self.case.form("no such op"))?;
                Ok(compose::binary(&mut self.b, op, x, y)?)
            }
            "gt" | "ge" => {
                let (x, y) = (self.input("x")?, self.input("y")?);
                let op = if op == "gt" { ops::LT } else { ops::LE };
                Ok(compose::binary(&mut self.b, op, y, x)?)
            }
            "where" => {
                let (c, x, y) = (self.input("c")?, self.input("x")?, self.input("y")?);
                Ok(compose::select(&mut self.b, c, x, y)?)
            }
            "argmax" | "argmin" => {
                let (x, keep) = (self.input("x")?, self.keepdims());
                let axis = match self.argument("axis") {
                    Json::Null => None,
                    _ => Some(self.axis(x)?),
                };
                match op {
                    "argmax" => Ok(compose::argmax(&mut self.b, x, axis, keep)?),
                    _ => Ok(compose::argmin(&mut self.b, x, axis, keep)?),
                }
            }
            "var" => {
                let x = self.input("x")?;
                let (axes, keep) = (self.axes(x)?, self.keepdims());
                let correction = self.number_or("correction", 1.0);
                Ok(compose::var(
                    &mut self.b,
                    x,
                    &axes,
                    &correction.into(),
                    keep,
                )?)
            }
            "reshape" | "permute" | "swapaxes" | "expand" | "narrow" | "slice" | "concat"
            | "stack" | "pad" | "roll" | "flip" | "tril" => self.arranged(),
            "one_hot" | "embedding" | "take_along_axis" | "take" => self.at_indices(),
            "matmul" => {
                let (x, y) = (self.input("x")?, self.input("y")?);
                Ok(compose::matmul(&mut self.b, x, y)?)
            }
            "einsum" => {
                let spec = self.argument("spec").as_str();
                let spec = spec.ok_or_else(|| self.case.form("`spec` is missing"))?;
                let operands: Result<Vec<Value>, CaseError> = self
                    .case
                    .inputs
                    .iter()
                    .map(|(n, _)| self.input(n))
                    .collect();
                Ok(compose::einsum(&mut self.b, spec, &operands?)?)
            }
            "softmax" | "log_softmax" => {
                let x = self.input("x")?;
                let axis = self.axis(x)?;
                let op = ops::find(op).ok_or_else(|| self.case.form("no such op"))?;
                Ok(compose::along(&mut self.b, op, x, axis)?)
            }
            "softmax_causal" | "scaled_dot_product_attention" => self.attention(),
            "layer_norm" | "rms_norm" => self.normed(),
            "conv1d" | "conv2d" => self.convolution(),
            "conv_transpose2d" => self.transposed_convolution(),
            "max_pool2d" | "avg_pool2d" => self.pooled(),
            "im2col" => self.columns(),
            "nearest_upsample2d" => self.upsampled(),
            _ => self.loss(),
        }
    }

    /// A number that may be missing, as a scalar.
    fn bound(&mut self, name: &str) -> Result<Option<Value>, CaseError> {
        let number = self.argument(name).as_f64();
        let scalar = |n| self.b.constant(n, DType::Float, Shape::scalar());
        Ok(number.map(scalar).transpose()?)
    }

    fn piecewise(&mut self) -> Built {
        let x = self.input("x")?;
        match self.case.op.as_str() {
            "elu" => {
                let alpha = self.number_or("alpha", 1.0);
                Ok(compose::elu(&mut self.b, x, &alpha.into())?)
            }
            "leaky_relu" => {
                let slope = self.number_or("negative_slope", 0.01);
                Ok(compose::leaky_relu(&mut self.b, x, &slope.into())?)
            }
            "clamp" => {
                let (low, high) = (self.bound("min")?, self.bound("max")?);
                Ok(compose::clamp(&mut self.b, x, low, high)?)
            }
            _ => match self.argument("exponent") {
                Json::Null => {
                    let y = self.input("y")?;
                    Ok(compose::binary(&mut self.b, ops::POW, x, y)?)
                }
                _ => {
                    let exponent = self.number("exponent")?;
                    Ok(compose::pow(&mut self.b, x, exponent)?)
                }
            },
        }
    }

    fn arranged(&mut self) -> Built {
        let x = self.input("x")?;
        let left_out = |d: i64| (d >= 0).then(|| Dim::constant(d));
        match self.case.op.as_str() {
            "reshape" | "expand" => {
                let dims = self.wholes(self.argument("shape"))?;
                let dims: Vec<Option<Dim>> = dims.into_iter().map(left_out).collect();
                match self.case.op.as_str() {
                    "reshape" => Ok(compose::reshape(&mut self.b, x, &dims)?),
                    _ => Ok(compose::expand(&mut self.b, x, None, &dims)?),
                }
            }
            "permute" => {
                let order = self.wholes(self.argument("dims"))?;
                Ok(compose::permute(&mut self.b, x, &order)?)
            }
            "swapaxes" => {
                let (i, j) = (self.whole("a")?, self.whole("b")?);
                Ok(compose::swapaxes(&mut self.b, x, i, j)?)
            }
            "narrow" => {
                let (axis, start, n) = (self.axis(x)?, self.dim("start")?, self.dim("length")?);
                Ok(compose::narrow(&mut self.b, x, axis, start, &n)?)
            }
            "slice" => {
                let axis = self.axis(x)?;
                let (start, stop, step) =
                    (self.dim("start")?, self.dim("stop")?, self.dim("step")?);
                Ok(compose::slice(&mut self.b, x, axis, start, stop, step)?)
            }
            "concat" | "stack" => {
                let operands: Result<Vec<Value>, CaseError> = self
                    .case
                    .inputs
                    .iter()
                    .map(|(n, _)| self.input(n))
                    .collect();
                let operands = operands?;
                if self.case.op == "stack" {
                    let at = self.whole("axis")?;
                    return Ok(compose::stack(&mut self.b, &operands, at)?);
                }
                let axis = self.axis(x)?;
                Ok(compose::concat(&mut self.b, &operands, axis)?)
            }
            "pad" => {
                let widths = self.widths()?;
                let value = self.number_or("value", 0.0);
                Ok(compose::pad(&mut self.b, x, &widths, &value.into())?)
            }
            "roll" => {
                let (axis, shift) = (self.axis(x)?, self.whole("shift")?);
                Ok(compose::roll(&mut self.b, x, shift, axis)?)
            }
            "flip" => {
                let axis = self.axis(x)?;
                Ok(compose::flip(&mut self.b, x, axis)?)
            }
            _ => {
                let k = i32::try_from(self.whole("k")?).unwrap_or(0);
                Ok(compose::tril(&mut self.b, x, k)?)
            }
        }
    }

    fn at_indices(&mut self) -> Built {
        let i = self.input("i")?;
        match self.case.op.as_str() {
            "one_hot" => {
                let classes = self.dim("classes")?;
                Ok(compose::one_hot(&mut self.b, i, classes, DType::Float)?)
            }
            "embedding" => {
                let table = self.input("table")?;
                Ok(compose::take(&mut self.b, table, i, Axis::At(0))?)
            }
            "take" => {
                let x = self.input("x")?;
                let axis = self.axis(x)?;
                Ok(compose::take(&mut self.b, x, i, axis)?)
            }
            _ => {
                let x = self.input("x")?;
                let axis = self.axis(x)?;
                Ok(compose::take_along_axis(&mut self.b, x, i, axis)?)
            }
        }
    }
}

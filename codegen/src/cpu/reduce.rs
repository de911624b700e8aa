//! Reductions of a row: their state, one step, and how states of lanes and copies are put together.
//!
//! The order is fixed by the program: lanes and copies take turns, then are merged in order.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};
use sinew_ir::{DType, Reduction};

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use super::scalar::ScalarOperand;
use crate::kernel::{Code, Nest, Reg, RowReg};

/// A reduction of a stage.
pub(super) struct Reduce {
    /// The row register that gets the result.
    pub row: RowReg,
    /// The register that is reduced.
    pub reg: Reg,
    kind: Reduction,
    /// Element type of what is reduced.
    from: DType,
    /// Element type of the result.
    to: DType,
    /// Strides that give the row-major index in the row.
    position: Vec<i64>,
}

impl Reduce {
    /// Registers that hold the state.
    pub(super) fn state(&self) -> usize {
        match self.kind.is_place() {
            false => 1,
            true => 2,
        }
    }
}

impl Frame<'_> {
    /// The reductions of a stage.
    pub(super) fn reductions(
        &self,
        nest: &Nest,
        code: &Code,
        reduces: &[(RowReg, Reduction, Reg)],
    ) -> Vec<Reduce> {
        let mut position = vec![0; nest.outer.len() + nest.inner.len()];
        let mut stride = 1;
        for (p, &extent) in position.iter_mut().rev().zip(nest.inner.iter().rev()) {
            *p = stride;
            stride *= extent as i64;
        }
        reduces
            .iter()
            .map(|&(row, kind, reg)| Reduce {
                row,
                reg,
                kind,
                from: code.insts[reg.0 as usize].dtype,
                to: nest.rows[row.0 as usize],
                position: position.clone(),
            })
            .collect()
    }

    /// What leaves the state as it is.
    fn identity(&mut self, r: &Reduce, lanes: Lanes) -> Result<Value, EmitError> {
        let value = match r.kind.combine() {
            Some(_) => r.kind.identity(r.from),
            // The greatest so far.
            None => Reduction::Max.identity(r.from),
        };
        self.constant(value, r.from, lanes)
    }

    /// The state over nothing.
    pub(super) fn start(&mut self, r: &Reduce, lanes: Lanes) -> Result<Vec<Value>, EmitError> {
        let mut state = vec![self.identity(r, lanes)?];
        if r.state() == 2 {
            state.push(self.constant(0.0, DType::I32, lanes)?);
        }
        Ok(state)
    }

    /// A value with what changes nothing in the lanes that do not count.
    pub(super) fn masked(
        &mut self,
        r: &Reduce,
        value: Value,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if lanes.active == lanes.count {
            return Ok(value);
        }
        let identity = self.identity(r, lanes)?;
        self.first_of(value, identity, lanes)
    }

    /// The state after one more element.
    pub(super) fn step(
        &mut self,
        r: &Reduce,
        state: &[Value],
        value: Value,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Vec<Value>, EmitError> {
        match r.kind.is_place() {
            false => self.merge(r, state, &[value], lanes),
            true => {
                let position = self.place(0, &r.position, index, DType::I32, lanes)?;
                let better = self.better(r, state[0], value, lanes)?;
                Ok(vec![
                    self.choose(better, value, state[0], lanes),
                    self.choose(better, position, state[1], lanes),
                ])
            }
        }
    }

    /// Whether `new` beats `best`; the first NaN beats everything.
    fn better(
        &mut self,
        r: &Reduce,
        best: Value,
        new: Value,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        Ok(match r.from {
            DType::F32 | DType::F64 => {
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, new, best);
                let nan = self.is_nan(new);
                let known = self.b.ins().fcmp(FloatCC::Ordered, best, best);
                let first = self.b.ins().band(nan, known);
                self.b.ins().bor(above, first)
            }
            DType::I32 => self.b.ins().icmp(IntCC::SignedGreaterThan, new, best),
            DType::U32 => self.b.ins().icmp(IntCC::UnsignedGreaterThan, new, best),
            DType::Bool => {
                let all = self.constant(1.0, DType::Bool, lanes)?;
                let not = self.b.ins().bxor(best, all);
                self.b.ins().band(new, not)
            }
            DType::F16 | DType::Bf16 | DType::Float => {
                return Err(self.unsupported(format!("the place of a greatest {}", r.from)));
            }
        })
    }

    /// The state over the elements of both; those of `b` come later or lie between those of `a`.
    pub(super) fn merge(
        &mut self,
        r: &Reduce,
        a: &[Value],
        b: &[Value],
        lanes: Lanes,
    ) -> Result<Vec<Value>, EmitError> {
        let operand = |value| ScalarOperand {
            value,
            dtype: r.from,
            constant: None,
        };
        Ok(match r.kind.combine() {
            Some(scalar) => {
                vec![self.apply(scalar, &[operand(a[0]), operand(b[0])], r.from, lanes)?]
            }
            None => {
                let better = self.better(r, a[0], b[0], lanes)?;
                let worse = self.better(r, b[0], a[0], lanes)?;
                let either = self.b.ins().bor(better, worse);
                let all = self.constant(1.0, DType::Bool, lanes)?;
                let equal = self.b.ins().bxor(either, all);
                let earlier = self.b.ins().icmp(IntCC::SignedLessThan, b[1], a[1]);
                let tie = self.b.ins().band(equal, earlier);
                let second = self.b.ins().bor(better, tie);
                vec![
                    self.choose(second, b[0], a[0], lanes),
                    self.choose(second, b[1], a[1], lanes),
                ]
            }
        })
    }

    /// The lanes' states as one.
    pub(super) fn across(
        &mut self,
        r: &Reduce,
        state: &[Value],
        lanes: Lanes,
    ) -> Result<Vec<Value>, EmitError> {
        if lanes.is_wide() {
            return self.across_wide(r, state, lanes);
        }
        let mut parts = Vec::new();
        for lane in 0..lanes.count {
            let mut part = vec![self.lane(state[0], r.from, lanes, lane)];
            if let Some(&position) = state.get(1) {
                part.push(self.lane(position, DType::I32, lanes, lane));
            }
            parts.push(part);
        }
        // Pairs first: two short chains instead of one long one.
        while parts.len() > 1 {
            let mut next = Vec::new();
            for pair in parts.chunks(2) {
                next.push(match pair {
                    [a, b] => self.merge(r, a, b, Lanes::ONE)?,
                    rest => rest[0].clone(),
                });
            }
            parts = next;
        }
        Ok(parts.remove(0))
    }

    /// [`Frame::across`] of vectors wider than Cranelift's: halves are put together, then quarters, ...
    fn across_wide(
        &mut self,
        r: &Reduce,
        state: &[Value],
        lanes: Lanes,
    ) -> Result<Vec<Value>, EmitError> {
        let mut state = state.to_vec();
        let mut group = lanes.count / 2;
        while group > 0 {
            let other: Vec<Value> = state.iter().map(|v| self.exchanged(*v, group)).collect();
            state = self.merge(r, &state, &other, lanes)?;
            group /= 2;
        }
        let mut first = vec![self.lane(state[0], r.from, lanes, 0)];
        if let Some(&position) = state.get(1) {
            first.push(self.lane(position, DType::I32, lanes, 0));
        }
        Ok(first)
    }

    /// The result in the row register's element type.
    pub(super) fn result(
        &mut self,
        r: &Reduce,
        state: &[Value],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        match r.kind.is_place() {
            false => self.cast(state[0], r.from, r.to, lanes),
            true => self.cast(state[1], DType::I32, r.to, lanes),
        }
    }
}

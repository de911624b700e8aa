//! Runs kernel IR slowly and safely: the oracle between the scheduler and the emitters.
//!
//! Every value is held as an f64. Results of type f32 are rounded after each instruction, which for
//! `+ - * /` and the square root is exactly f32 arithmetic (an f64 has more than twice the digits).
//! Sums run in index order. No speed is meant here.

use crate::kernel::{
    Access, Class, Code, Contract, Kernel, Nest, Operand, Reg, RowReg, Run, ScalarInst, ScalarKind,
    Scan, Scatter, Schedule, SlotId, Sort, Stage,
};
use sinew_ir::{DType, Reduction, Scalar, ascending};

/// Why a schedule could not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// Memory that does not fit the regions.
    #[error("{expected} regions are needed, got {found}")]
    Regions {
        /// How many the schedule has.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// A region of another size.
    #[error("region `{name}` has {expected} bytes, got {found}")]
    Size {
        /// Which.
        name: String,
        /// Its size.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// An access outside its region, or a register that is not set: the verifier refuses these.
    #[error("kernel `{0}` leaves its buffers or uses what is not set")]
    Broken(String),
}

/// Runs the schedule over `memory`, one byte vector a region (the arena included).
///
/// # Errors
/// Memory of another size than the regions; a schedule that the verifier would refuse.
pub fn execute(schedule: &Schedule, memory: &mut [Vec<u8>]) -> Result<(), ExecuteError> {
    if memory.len() != schedule.regions.len() {
        return Err(ExecuteError::Regions {
            expected: schedule.regions.len(),
            found: memory.len(),
        });
    }
    for (region, bytes) in schedule.regions.iter().zip(memory.iter()) {
        if bytes.len() != region.bytes {
            return Err(ExecuteError::Size {
                name: region.name.clone(),
                expected: region.bytes,
                found: bytes.len(),
            });
        }
    }
    schedule.each_run(&mut |run, turns| {
        let number = || ExecuteError::Broken(run.kernel.0.to_string());
        let kernel = schedule.kernel(run).ok_or_else(number)?;
        let broken = || ExecuteError::Broken(kernel.name.clone());
        let slots = slots(schedule, kernel, run, turns).ok_or_else(broken)?;
        let mut machine = Machine {
            slots,
            memory,
            share: 0..0,
        };
        // Their order says nothing: the last one first.
        for share in run.shares(kernel).into_iter().rev() {
            machine.share = share;
            let done = match &kernel.class {
                Class::Nest(n) => machine.nest(n),
                Class::Contract(c) => machine.contract(c),
                Class::Scatter(s) => machine.scatter(s),
                Class::Scan(s) => machine.scan(s),
                Class::Sort(s) => machine.sort(s),
            };
            done.ok_or_else(broken)?;
        }
        Ok(())
    })
}

/// Where the slots of a run lie.
fn slots(
    schedule: &Schedule,
    kernel: &Kernel,
    run: &Run,
    turns: &[usize],
) -> Option<Vec<BoundSlot>> {
    let pairs = kernel.slots.iter().zip(&run.bindings);
    let bound = pairs.map(|(slot, binding)| {
        let buffer = schedule.buffers.get(binding.buffer.0 as usize)?;
        let from = usize::try_from(binding.at(turns)).ok()?;
        let fits = from.checked_add(slot.elements)? <= buffer.elements;
        let size = slot.dtype.size()?;
        fits.then_some(BoundSlot {
            region: buffer.region.0 as usize,
            start: buffer.offset + from * size,
            dtype: slot.dtype,
            elements: slot.elements,
        })
    });
    bound.collect()
}

/// What a scalar instruction makes of operands, rounded to the result's type.
fn apply(scalar: Scalar, from: DType, to: DType, operands: &[f64]) -> Option<f64> {
    Some(to.nearest(scalar.evaluate(from, to, operands)?))
}

/// Calls `f` with every index of the space in row-major order, until it fails.
fn for_each(extents: &[usize], f: &mut dyn FnMut(&[i64]) -> Option<()>) -> Option<()> {
    if extents.contains(&0) {
        return Some(());
    }
    let mut index = vec![0i64; extents.len()];
    loop {
        f(&index)?;
        let mut d = extents.len();
        loop {
            if d == 0 {
                return Some(());
            }
            d -= 1;
            index[d] += 1;
            if (index[d] as usize) < extents[d] {
                break;
            }
            index[d] = 0;
        }
    }
}

fn affine(offset: i64, strides: &[i64], index: &[i64]) -> i64 {
    offset + strides.iter().zip(index).map(|(s, i)| s * i).sum::<i64>()
}

/// A slot where one run has it.
struct BoundSlot {
    region: usize,
    /// Its first byte.
    start: usize,
    dtype: DType,
    elements: usize,
}

/// One run of a kernel.
struct Machine<'a> {
    slots: Vec<BoundSlot>,
    memory: &'a mut [Vec<u8>],
    /// The bounds of the parallel axis.
    share: std::ops::Range<usize>,
}

/// What a code may read beside memory.
struct Around<'a> {
    index: &'a [i64],
    rows: &'a [Option<f64>],
    /// The row arrays' elements of the row at hand, as far as they are written.
    arrays: &'a [Vec<f64>],
    /// The element's row-major number in the row.
    position: usize,
    accumulator: Option<f64>,
}

impl<'a> Around<'a> {
    /// What code of a kernel without rows may read.
    fn element(index: &'a [i64], accumulator: Option<f64>) -> Around<'a> {
        Around {
            index,
            rows: &[],
            arrays: &[],
            position: 0,
            accumulator,
        }
    }
}

impl Machine<'_> {
    /// Whether an index of a space, whose parallel dims have these extents, is outside of the share.
    fn is_outside(&self, parallel: &[usize], index: &[i64]) -> bool {
        match (parallel.first(), index.first()) {
            (Some(_), Some(i)) => !self.share.contains(&(*i as usize)),
            (None, _) | (_, None) => false,
        }
    }

    fn slot(&self, id: SlotId) -> Option<&BoundSlot> {
        self.slots.get(id.0 as usize)
    }

    /// The region and the bytes of an element.
    fn place(&self, slot: SlotId, element: i64) -> Option<(usize, std::ops::Range<usize>)> {
        let s = self.slot(slot)?;
        let element = usize::try_from(element).ok().filter(|e| *e < s.elements)?;
        let size = s.dtype.size()?;
        let at = s.start + element * size;
        Some((s.region, at..at + size))
    }

    fn read(&self, slot: SlotId, element: i64) -> Option<f64> {
        let (region, range) = self.place(slot, element)?;
        let bytes = self.memory.get(region)?.get(range)?;
        Some(match self.slot(slot)?.dtype {
            DType::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
            DType::F32 | DType::Float => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
            DType::F16 | DType::Bf16 => {
                let bits = u16::from_le_bytes(bytes.try_into().ok()?);
                self.slot(slot)?.dtype.of_half_bits(bits)
            }
            DType::I32 => f64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
            DType::U32 | DType::Bool => f64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
        })
    }

    fn write(&mut self, slot: SlotId, element: i64, value: f64) -> Option<()> {
        let (region, range) = self.place(slot, element)?;
        let dtype = self.slot(slot)?.dtype;
        let target = self.memory.get_mut(region)?.get_mut(range)?;
        match dtype {
            DType::F64 => target.copy_from_slice(&value.to_le_bytes()),
            DType::F32 | DType::Float => target.copy_from_slice(&(value as f32).to_le_bytes()),
            DType::F16 | DType::Bf16 => {
                target.copy_from_slice(&dtype.half_bits(value).to_le_bytes());
            }
            DType::I32 => target.copy_from_slice(&(value as i32).to_le_bytes()),
            DType::U32 | DType::Bool => target.copy_from_slice(&(value as u32).to_le_bytes()),
        }
        Some(())
    }

    fn load(&self, access: &Access, index: &[i64], extra: i64) -> Option<f64> {
        let there = access
            .guards
            .iter()
            .all(|g| (0..g.extent).contains(&affine(g.offset, &g.strides, index)));
        if !there {
            return Some(0.0);
        }
        let element = affine(access.offset, &access.strides, index) + extra;
        self.read(access.slot, element)
    }

    fn inst(&self, inst: &ScalarInst, code: &Code, regs: &[f64], at: &Around) -> Option<f64> {
        let reg = |r: Reg| regs.get(r.0 as usize).copied();
        match &inst.kind {
            ScalarKind::Load(access) => self.load(access, at.index, 0),
            ScalarKind::Gather {
                access,
                index,
                extent,
                stride,
            } => {
                let last = i64::try_from(*extent).ok()?.checked_sub(1)?;
                let i = (reg(*index)? as i64).clamp(0, last);
                self.load(access, at.index, i * stride)
            }
            ScalarKind::Const(value) => Some(inst.dtype.nearest(*value)),
            ScalarKind::Index { offset, strides } => {
                Some(affine(*offset, strides, at.index) as f64)
            }
            ScalarKind::Row(row) => *at.rows.get(row.0 as usize)?,
            ScalarKind::Element(array) => {
                let array = at.arrays.get(array.0 as usize)?;
                array.get(at.position).copied()
            }
            ScalarKind::Accumulator => at.accumulator,
            ScalarKind::Apply(scalar, operands) => {
                let values: Option<Vec<f64>> = operands.iter().map(|r| reg(*r)).collect();
                let from = code.insts.get(operands.last()?.0 as usize)?.dtype;
                apply(*scalar, from, inst.dtype, &values?)
            }
        }
    }

    /// Runs a code at one index: registers, then stores.
    fn code(&mut self, code: &Code, at: &Around) -> Option<Vec<f64>> {
        let mut regs = Vec::with_capacity(code.insts.len());
        for inst in &code.insts {
            regs.push(self.inst(inst, code, &regs, at)?);
        }
        for store in &code.stores {
            let element = affine(store.access.offset, &store.access.strides, at.index);
            let mut value = *regs.get(store.value.0 as usize)?;
            if store.adds {
                let dtype = code.insts.get(store.value.0 as usize)?.dtype;
                let sum = self.read(store.access.slot, element)?;
                value = apply(Scalar::ADD, dtype, dtype, &[sum, value])?;
            }
            self.write(store.access.slot, element, value)?;
        }
        Some(regs)
    }

    fn nest(&mut self, nest: &Nest) -> Option<()> {
        let zeros = nest.first_sums();
        for_each(&nest.outer, &mut |outer| {
            if self.is_outside(nest.parallel_dims(), outer) {
                return Some(());
            }
            if let (Some(zeros), Some(0)) = (&zeros, outer.last()) {
                for_each(&nest.inner, &mut |inner| {
                    let index = [outer, inner].concat();
                    self.code(zeros, &Around::element(&index, None)).map(|_| ())
                })?;
            }
            self.row(nest, outer)
        })
    }

    fn row(&mut self, nest: &Nest, outer: &[i64]) -> Option<()> {
        let mut rows: Vec<Option<f64>> = vec![None; nest.rows.len()];
        let mut arrays: Vec<Vec<f64>> = vec![Vec::new(); nest.arrays.len()];
        let mut index = outer.to_vec();
        index.resize(outer.len() + nest.inner.len(), 0);
        for (s, stage) in nest.stages.iter().enumerate() {
            match stage {
                Stage::Row { code, sets } => {
                    index[outer.len()..].fill(0);
                    let at = Around {
                        index: &index,
                        rows: &rows,
                        // A row stage is at no element.
                        arrays: &[],
                        position: 0,
                        accumulator: None,
                    };
                    let regs = self.code(code, &at)?;
                    for (row, reg) in sets {
                        *rows.get_mut(row.0 as usize)? = Some(*regs.get(reg.0 as usize)?);
                    }
                }
                Stage::Each { code, reduces } => {
                    let dtype = |row: &RowReg| nest.rows.get(row.0 as usize).copied();
                    let mut results = Vec::new();
                    for (row, reduction, _) in reduces {
                        results.push(RowResult::new(*reduction, dtype(row)?));
                    }
                    let mut position = 0;
                    for_each(&nest.inner, &mut |inner| {
                        index[outer.len()..].copy_from_slice(inner);
                        let at = Around {
                            index: &index,
                            rows: &rows,
                            arrays: &arrays,
                            position,
                            accumulator: None,
                        };
                        let regs = self.code(code, &at)?;
                        for (result, (_, _, reg)) in results.iter_mut().zip(reduces) {
                            result.take(*regs.get(reg.0 as usize)?, position)?;
                        }
                        for (a, array) in nest.arrays.iter().enumerate() {
                            if array.stage == s {
                                arrays[a].push(*regs.get(array.value.0 as usize)?);
                            }
                        }
                        position += 1;
                        Some(())
                    })?;
                    for ((row, _, _), result) in reduces.iter().zip(results) {
                        *rows.get_mut(row.0 as usize)? = Some(result.value);
                    }
                }
            }
        }
        Some(())
    }

    fn contract(&mut self, c: &Contract) -> Option<()> {
        let [_, columns, depth] = c.extents();
        for_each(&c.batch, &mut |batch| {
            if self.is_outside(&c.batch, batch) {
                return Some(());
            }
            let left = self.operand(&c.lhs, batch, &[&c.m[..], &c.k].concat())?;
            let right = self.operand(&c.rhs, batch, &[&c.k[..], &c.n].concat())?;
            let mut element = 0;
            for_each(&[&c.m[..], &c.n].concat(), &mut |place| {
                let (i, j) = (element / columns, element % columns);
                element += 1;
                if c.batch.is_empty() && self.is_outside(&c.m, place) {
                    return Some(());
                }
                let mut sum = 0.0;
                for k in 0..depth {
                    let factors = [left[i * depth + k], right[k * columns + j]];
                    let term = apply(Scalar::MUL, c.dtype, c.dtype, &factors)?;
                    sum = apply(Scalar::ADD, c.dtype, c.dtype, &[sum, term])?;
                }
                let index = [batch, place].concat();
                let at = Around::element(&index, Some(sum));
                self.code(&c.epilogue, &at).map(|_| ())
            })
        })
    }

    /// The elements of a contraction's operand at a place in the batch, row after row.
    fn operand(&mut self, operand: &Operand, batch: &[i64], extents: &[usize]) -> Option<Vec<f64>> {
        let mut out = Vec::with_capacity(extents.iter().product());
        for_each(extents, &mut |place| {
            let index = [batch, place].concat();
            let at = Around::element(&index, None);
            let regs = self.code(&operand.code, &at)?;
            out.push(*regs.get(operand.value.0 as usize)?);
            Some(())
        })?;
        Some(out)
    }

    fn scatter(&mut self, s: &Scatter) -> Option<()> {
        let mut space = s.outer.clone();
        space.push(s.updates);
        let last = i64::try_from(s.extent).ok()?.checked_sub(1)?;
        for_each(&space, &mut |index| {
            if self.is_outside(&s.outer, index) {
                return Some(());
            }
            let regs = self.code(&s.code, &Around::element(index, None))?;
            let i = (*regs.get(s.index.0 as usize)? as i64).clamp(0, last);
            let element = affine(s.target.offset, &s.target.strides, index) + i * s.stride;
            let dtype = self.slot(s.target.slot)?.dtype;
            let old = self.read(s.target.slot, element)?;
            let new = apply(
                Scalar::ADD,
                dtype,
                dtype,
                &[old, *regs.get(s.update.0 as usize)?],
            )?;
            self.write(s.target.slot, element, new)
        })
    }

    fn scan(&mut self, s: &Scan) -> Option<()> {
        let start = s.dtype()?.nearest(s.start);
        let mut value = start;
        for_each(&s.space(), &mut |index| {
            if self.is_outside(&s.outer, index) {
                return Some(());
            }
            if index.last() == Some(&0) {
                value = start;
            }
            let regs = self.code(&s.code, &Around::element(index, Some(value)))?;
            value = *regs.get(s.next.0 as usize)?;
            Some(())
        })
    }

    fn sort(&mut self, s: &Sort) -> Option<()> {
        for_each(&s.outer, &mut |outer| {
            if self.is_outside(&s.outer, outer) {
                return Some(());
            }
            let at = |i: usize| [outer, &[i as i64]].concat();
            let keys = (0..s.extent).map(|i| self.load(&s.keys, &at(i), 0));
            let keys: Vec<f64> = keys.collect::<Option<_>>()?;
            let mut order: Vec<usize> = (0..s.extent).collect();
            order.sort_by(|i, j| match s.descending {
                false => ascending(keys[*i], keys[*j]),
                true => ascending(keys[*j], keys[*i]),
            });
            for (i, index) in order.into_iter().enumerate() {
                let element = affine(s.indices.offset, &s.indices.strides, &at(i));
                self.write(s.indices.slot, element, index as f64)?;
            }
            Some(())
        })
    }
}

/// A reduction of a row as far as it has come.
struct RowResult {
    reduction: Reduction,
    dtype: DType,
    /// The result over the elements so far: of a place, its number in the row.
    value: f64,
    /// The greatest element so far, for a place.
    best: f64,
}

impl RowResult {
    fn new(reduction: Reduction, dtype: DType) -> RowResult {
        RowResult {
            reduction,
            dtype,
            value: reduction.identity(dtype),
            best: f64::NEG_INFINITY,
        }
    }

    /// Takes in the element at a position, the row's elements in order.
    fn take(&mut self, element: f64, position: usize) -> Option<()> {
        match self.reduction.combine() {
            Some(scalar) => {
                self.value = apply(scalar, self.dtype, self.dtype, &[self.value, element])?;
            }
            None => {
                // The first NaN counts as the maximum, as in NumPy.
                let better = element > self.best || element.is_nan();
                if position == 0 || (better && !self.best.is_nan()) {
                    self.best = element;
                    self.value = position as f64;
                }
            }
        }
        Some(())
    }
}

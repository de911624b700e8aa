//! The verifier of kernel IR. Emitted machine code relies on it for memory safety, so it runs on
//! every schedule before emission, in release too; it costs microseconds a kernel.
//!
//! It holds:
//! 1. Every region index, buffer index and register is there; element types have a size; buffers lie
//!    inside their regions at multiples of their element size; written buffers lie in written regions.
//! 2. An instruction uses only registers defined before it, of the types its scalar takes
//!    ([`sinew_ir::Scalar::fits`]); row
//!    registers are set once, before use, and only in nests; the accumulator only in epilogues.
//! 3. Parallel spaces are not empty; strides have one entry a dim of the space; a contraction has rows,
//!    columns and a contracted dim.
//! 4. Every access stays inside its buffer wherever its guards hold (interval arithmetic).
//! 5. Stores are injective over the space, unguarded, and two stores of a kernel never meet.
//! 6. A kernel loads from where it stores only at the same place and not in a later stage; a scatter
//!    does not load from its target, a contraction's operands do not overlap its stores.

use crate::bounds::{interval, range};
use crate::kernel::{
    Access, Buffer, BufferId, Class, Code, Contract, Nest, Reg, ScalarKind, Scatter, Schedule,
    Stage,
};
use sinew_ir::DType;

/// A rule that a kernel breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct VerifyError {
    /// The kernel or the buffer.
    pub place: String,
    /// The rule, with the values.
    pub what: String,
}

type Check = Result<(), String>;

/// Checks a schedule against the rules in this file's header.
///
/// # Errors
/// The first broken rule.
pub fn verify(schedule: &Schedule) -> Result<(), VerifyError> {
    let fail = |place: &str, what: String| VerifyError {
        place: place.to_string(),
        what,
    };
    for buffer in &schedule.buffers {
        verify_buffer(schedule, buffer).map_err(|e| fail(&buffer.name, e))?;
    }
    for kernel in &schedule.kernels {
        verify_kernel(schedule, &kernel.class).map_err(|e| fail(&kernel.name, e))?;
    }
    let mut names: Vec<&str> = schedule.kernels.iter().map(|k| k.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
        return Err(fail(pair[0], "two kernels of this name".into()));
    }
    Ok(())
}

fn verify_buffer(schedule: &Schedule, buffer: &Buffer) -> Check {
    let region = schedule
        .regions
        .get(buffer.region.0 as usize)
        .ok_or("no such region")?;
    let size = buffer.dtype.size().ok_or("element type without a size")?;
    let bytes = buffer.elements.checked_mul(size);
    let end = bytes.and_then(|b| b.checked_add(buffer.offset));
    if end.is_none_or(|e| e > region.bytes) {
        return Err(format!("leaves region `{}`", region.name));
    }
    if !buffer.offset.is_multiple_of(size) {
        return Err("not aligned to its elements".into());
    }
    Ok(())
}

/// An access with the space it runs over, seen from rule 5 and 6.
struct Touch<'a> {
    access: &'a Access,
    /// The space; a computed index is one more dim of it.
    space: Vec<usize>,
    /// The stride along the computed index.
    computed: Option<i64>,
    /// Whether it is a plain load or store, so that equal accesses touch equal places.
    plain: bool,
    /// The stage it stands in.
    stage: usize,
    /// First and last element, inclusive; none when it touches nothing.
    range: Option<(i64, i64)>,
}

#[derive(Default)]
struct Touches<'a> {
    loads: Vec<Touch<'a>>,
    stores: Vec<Touch<'a>>,
}

fn verify_kernel(schedule: &Schedule, class: &Class) -> Check {
    match class {
        Class::Nest(nest) => verify_nest(schedule, nest),
        Class::Contract(contract) => verify_contract(schedule, contract),
        Class::Scatter(scatter) => verify_scatter(schedule, scatter),
    }
}

fn not_empty(extents: &[usize]) -> Check {
    match extents.contains(&0) {
        true => Err("its parallel space is empty".into()),
        false => Ok(()),
    }
}

fn verify_nest(schedule: &Schedule, nest: &Nest) -> Check {
    not_empty(&nest.outer)?;
    let mut space = nest.outer.clone();
    space.extend(&nest.inner);
    let mut set = vec![false; nest.rows.len()];
    let mut touches = Touches::default();
    let row_of = |set: &mut Vec<bool>, row: u32, dtype: DType| -> Check {
        let i = row as usize;
        match nest.rows.get(i) {
            None => Err(format!("no row register {i}")),
            Some(_) if set[i] => Err(format!("row register {i} is set twice")),
            Some(d) if *d != dtype => Err(format!("row register {i} is {d}, not {dtype}")),
            Some(_) => {
                set[i] = true;
                Ok(())
            }
        }
    };
    if nest.inner.is_empty() && !matches!(nest.stages.as_slice(), [Stage::Row { .. }]) {
        return Err("a nest without inner dims has one row stage".into());
    }
    for (s, stage) in nest.stages.iter().enumerate() {
        match stage {
            Stage::Row { code, sets } => {
                let checker = Checker {
                    schedule,
                    space: &space,
                    flat: nest.outer.len(),
                    rows: &nest.rows,
                    set: &set,
                    accumulator: None,
                };
                checker.code(code, s, &mut touches)?;
                for (row, reg) in sets {
                    let dtype = dtype_of(code, *reg)?;
                    row_of(&mut set, row.0, dtype)?;
                }
            }
            Stage::Each { code, reduces } => {
                let checker = Checker {
                    schedule,
                    space: &space,
                    flat: space.len(),
                    rows: &nest.rows,
                    set: &set,
                    accumulator: None,
                };
                checker.code(code, s, &mut touches)?;
                for (row, reduction, reg) in reduces {
                    let dtype = match reduction.is_place() {
                        false => dtype_of(code, *reg)?,
                        true => {
                            dtype_of(code, *reg)?;
                            DType::I32
                        }
                    };
                    row_of(&mut set, row.0, dtype)?;
                }
            }
        }
    }
    meetings(schedule, &touches)
}

fn verify_contract(schedule: &Schedule, c: &Contract) -> Check {
    let space = c.space();
    not_empty(&space)?;
    if c.m.is_empty() || c.n.is_empty() || c.k.is_empty() {
        return Err("a contraction without rows, columns or a contracted dim".into());
    }
    match c.dtype {
        DType::F32 | DType::F64 => {}
        DType::Float | DType::I32 | DType::U32 | DType::Bool => {
            return Err(format!("a contraction of {}", c.dtype));
        }
    }
    let mut touches = Touches::default();
    let mut operand_touches = Vec::new();
    for (operand, over) in [(&c.lhs, c.lhs_space()), (&c.rhs, c.rhs_space())] {
        let checker = Checker {
            schedule,
            space: &over,
            flat: over.len(),
            rows: &[],
            set: &[],
            accumulator: None,
        };
        let mut inside = Touches::default();
        checker.code(&operand.code, 0, &mut inside)?;
        if !inside.stores.is_empty() {
            return Err("an operand's code stores".into());
        }
        if dtype_of(&operand.code, operand.value)? != c.dtype {
            return Err("an operand of another element type".into());
        }
        // Other elements of the result are computed from what this one's operands load.
        operand_touches.extend(inside.loads.into_iter().map(|load| Touch {
            plain: false,
            ..load
        }));
    }
    let checker = Checker {
        schedule,
        space: &space,
        flat: space.len(),
        rows: &[],
        set: &[],
        accumulator: Some(c.dtype),
    };
    checker.code(&c.epilogue, 0, &mut touches)?;
    touches.loads.extend(operand_touches);
    meetings(schedule, &touches)
}

fn verify_scatter(schedule: &Schedule, s: &Scatter) -> Check {
    let mut space = s.outer.clone();
    space.push(s.updates);
    not_empty(&space)?;
    if s.extent == 0 {
        return Err("an axis of extent 0".into());
    }
    let checker = Checker {
        schedule,
        space: &space,
        flat: space.len(),
        rows: &[],
        set: &[],
        accumulator: None,
    };
    let mut touches = Touches::default();
    checker.code(&s.code, 0, &mut touches)?;
    if !s.code.stores.is_empty() {
        return Err("a scatter's code stores".into());
    }
    let target = checker.buffer(&s.target)?;
    written(schedule, target)?;
    if dtype_of(&s.code, s.index)? != DType::I32 {
        return Err("the index is not i32".into());
    }
    if dtype_of(&s.code, s.update)? != target.dtype {
        return Err("the update is of another type than the target".into());
    }
    if !s.target.guards.is_empty() || s.target.strides.last().is_some_and(|l| *l != 0) {
        return Err("the target is guarded or moves with the updates".into());
    }
    // Outer indices must not meet at any pair of positions along the axis.
    let mut extents = s.outer.clone();
    extents.push(s.extent);
    let mut strides = s.target.strides.clone();
    if let Some(last) = strides.last_mut() {
        *last = s.stride;
    }
    injective(&extents, &strides)?;
    let range = checker.bounds(&s.target, s.stride, s.extent)?;
    touches.stores.push(Touch {
        access: &s.target,
        space: with(&space, s.extent),
        computed: Some(s.stride),
        plain: false,
        stage: 0,
        range,
    });
    meetings(schedule, &touches)
}

fn with(space: &[usize], extent: usize) -> Vec<usize> {
    let mut out = space.to_vec();
    out.push(extent);
    out
}

fn dtype_of(code: &Code, reg: Reg) -> Result<DType, String> {
    let inst = code.insts.get(reg.0 as usize);
    inst.map(|i| i.dtype)
        .ok_or_else(|| format!("no register {}", reg.0))
}

fn written(schedule: &Schedule, buffer: &Buffer) -> Check {
    match schedule.regions.get(buffer.region.0 as usize) {
        Some(r) if r.written => Ok(()),
        _ => Err(format!("stores to `{}`, which is not written", buffer.name)),
    }
}

struct Checker<'a> {
    schedule: &'a Schedule,
    space: &'a [usize],
    /// Dims from here on must have stride 0 (inner dims in a row stage).
    flat: usize,
    rows: &'a [DType],
    set: &'a [bool],
    accumulator: Option<DType>,
}

impl<'a> Checker<'a> {
    fn buffer(&self, access: &Access) -> Result<&'a Buffer, String> {
        let BufferId(id) = access.buffer;
        let found = self.schedule.buffers.get(id as usize);
        found.ok_or_else(|| format!("no buffer {id}"))
    }

    fn strides(&self, strides: &[i64]) -> Check {
        if strides.len() != self.space.len() {
            return Err(format!(
                "{} strides over {} dims",
                strides.len(),
                self.space.len()
            ));
        }
        match strides[self.flat..].iter().all(|s| *s == 0) {
            true => Ok(()),
            false => Err("a row stage that moves along the row".into()),
        }
    }

    /// Rule 4; `extra` further positions `stride` apart may be added (gathers).
    fn bounds(
        &self,
        access: &Access,
        stride: i64,
        extra: usize,
    ) -> Result<Option<(i64, i64)>, String> {
        self.strides(&access.strides)?;
        for guard in &access.guards {
            self.strides(&guard.strides)?;
            // Emitters test guards in 32 bits, a negative value as one above every extent.
            let narrow = |v: i64| i32::try_from(v).is_ok();
            match interval(self.space, guard.offset, &guard.strides) {
                Some(Some((l, h))) if narrow(l) && narrow(h) && narrow(guard.extent) => {}
                Some(None) => {}
                _ => return Err("a guard leaves 32 bits".into()),
            }
        }
        let buffer = self.buffer(access)?;
        let overflow = || "an index leaves 64 bits".to_string();
        let Some((mut low, mut high)) = range(self.space, access).ok_or_else(overflow)? else {
            return Ok(None);
        };
        let last = i64::try_from(extra.saturating_sub(1)).map_err(|_| overflow())?;
        let reach = stride.checked_mul(last).ok_or_else(overflow)?;
        low = low.checked_add(reach.min(0)).ok_or_else(overflow)?;
        high = high.checked_add(reach.max(0)).ok_or_else(overflow)?;
        let elements = i64::try_from(buffer.elements).map_err(|_| overflow())?;
        if low < 0 || high >= elements {
            return Err(format!(
                "reaches elements {low}..={high} of `{}`, which has {elements}",
                buffer.name
            ));
        }
        Ok(Some((low, high)))
    }

    fn code<'c>(&self, code: &'c Code, stage: usize, touches: &mut Touches<'c>) -> Check {
        for (i, inst) in code.insts.iter().enumerate() {
            let reg = |r: Reg| match (r.0 as usize) < i {
                true => Ok(code.insts[r.0 as usize].dtype),
                false => Err(format!("register {i} uses register {}", r.0)),
            };
            let same = |found: DType| match found == inst.dtype {
                true => Ok(()),
                false => Err(format!("register {i} is {}, not {found}", inst.dtype)),
            };
            if inst.dtype == DType::Float {
                return Err(format!("register {i} has no bound type"));
            }
            match &inst.kind {
                ScalarKind::Load(access) => {
                    same(self.buffer(access)?.dtype)?;
                    let range = self.bounds(access, 0, 0)?;
                    touches.loads.push(Touch {
                        access,
                        space: self.space.to_vec(),
                        computed: None,
                        plain: true,
                        stage,
                        range,
                    });
                }
                ScalarKind::Gather {
                    access,
                    index,
                    extent,
                    stride,
                } => {
                    same(self.buffer(access)?.dtype)?;
                    if reg(*index)? != DType::I32 || *extent == 0 {
                        return Err("a gather without an i32 index or an extent".into());
                    }
                    let range = self.bounds(access, *stride, *extent)?;
                    touches.loads.push(Touch {
                        access,
                        space: with(self.space, *extent),
                        computed: Some(*stride),
                        plain: false,
                        stage,
                        range,
                    });
                }
                ScalarKind::Const(_) => {}
                ScalarKind::Index { offset, strides } => {
                    same(DType::I32)?;
                    self.strides(strides)?;
                    match interval(self.space, *offset, strides) {
                        Some(Some((l, h)))
                            if i32::try_from(l).is_ok() && i32::try_from(h).is_ok() => {}
                        Some(None) => {}
                        _ => return Err("an index leaves 32 bits".into()),
                    }
                }
                ScalarKind::Row(row) => match self.rows.get(row.0 as usize) {
                    Some(d) if self.set[row.0 as usize] => same(*d)?,
                    _ => return Err(format!("row register {} is not set", row.0)),
                },
                ScalarKind::Accumulator => match self.accumulator {
                    Some(d) => same(d)?,
                    None => return Err("an accumulator outside a contraction".into()),
                },
                ScalarKind::Apply(scalar, operands) => {
                    let types: Result<Vec<DType>, String> =
                        operands.iter().map(|r| reg(*r)).collect();
                    if !scalar.fits(&types?, inst.dtype) {
                        return Err(format!("register {i}: {scalar} of other types"));
                    }
                }
            }
        }
        for store in &code.stores {
            let buffer = self.buffer(&store.access)?;
            written(self.schedule, buffer)?;
            if dtype_of(code, store.value)? != buffer.dtype {
                return Err(format!("a store of another type to `{}`", buffer.name));
            }
            if !store.access.guards.is_empty() {
                return Err("a guarded store".into());
            }
            let range = self.bounds(&store.access, 0, 0)?;
            injective(&self.space[..self.flat], &store.access.strides[..self.flat])?;
            touches.stores.push(Touch {
                access: &store.access,
                space: self.space.to_vec(),
                computed: None,
                plain: true,
                stage,
                range,
            });
        }
        Ok(())
    }
}

/// Rule 5: sorted by stride, each step is longer than all shorter ones together reach.
fn injective(extents: &[usize], strides: &[i64]) -> Check {
    let mut dims: Vec<(i64, i64)> = extents
        .iter()
        .zip(strides)
        .filter(|(e, _)| **e > 1)
        .map(|(e, s)| (s.abs(), *e as i64 - 1))
        .collect();
    dims.sort_unstable();
    let mut reach = 0i64;
    for (stride, steps) in dims {
        if stride <= reach {
            return Err("a store that is not injective".into());
        }
        reach = stride
            .checked_mul(steps)
            .and_then(|r| r.checked_add(reach))
            .ok_or("a store leaves 64 bits")?;
    }
    Ok(())
}

/// Rules 5 and 6 between the accesses of one kernel.
fn meetings(schedule: &Schedule, touches: &Touches) -> Check {
    for (i, store) in touches.stores.iter().enumerate() {
        for other in &touches.stores[..i] {
            if meet(schedule, store, other) {
                return Err("two stores meet".into());
            }
        }
        for load in &touches.loads {
            let (a, b) = (load.access, store.access);
            let (x, y) = (buffer_of(schedule, a), buffer_of(schedule, b));
            let same_place = load.plain
                && store.plain
                && load.stage <= store.stage
                && (x.region, x.offset, x.dtype) == (y.region, y.offset, y.dtype)
                && a.offset == b.offset
                && a.strides == b.strides;
            if !same_place && meet(schedule, load, store) {
                return Err(format!(
                    "loads `{}` where it stores `{}`, not at the same index",
                    x.name, y.name
                ));
            }
        }
    }
    Ok(())
}

fn buffer_of<'a>(schedule: &'a Schedule, access: &Access) -> &'a Buffer {
    &schedule.buffers[access.buffer.0 as usize]
}

/// Whether two accesses may touch one byte.
fn meet(schedule: &Schedule, a: &Touch, b: &Touch) -> bool {
    let (x, y) = (buffer_of(schedule, a.access), buffer_of(schedule, b.access));
    let (Some(ra), Some(rb)) = (a.range, b.range) else {
        return false;
    };
    if x.region != y.region {
        return false;
    }
    let bytes = |buffer: &Buffer, range: (i64, i64)| {
        let size = buffer.dtype.size().unwrap_or(8) as i64;
        let base = buffer.offset as i64;
        (base + range.0 * size, base + (range.1 + 1) * size)
    };
    let ((al, ah), (bl, bh)) = (bytes(x, ra), bytes(y, rb));
    if ah <= bl || bh <= al {
        return false;
    }
    // Columns side by side in one buffer overlap as ranges and never meet: compare modulo a stride.
    if x.offset == y.offset && x.dtype == y.dtype {
        let strides = a.access.strides.iter().chain(&b.access.strides);
        for period in strides.map(|s| s.abs()).filter(|s| *s > 1) {
            let (Some((pl, ph)), Some((ql, qh))) = (window(a, period), window(b, period)) else {
                continue;
            };
            if ph < ql || qh < pl {
                return false;
            }
        }
    }
    true
}

/// The range of an access's elements modulo `period`, if it does not wrap.
fn window(touch: &Touch, period: i64) -> Option<(i64, i64)> {
    let mut columns = touch.access.clone();
    if let Some(stride) = touch.computed {
        columns.strides.push(stride);
        for guard in &mut columns.guards {
            guard.strides.push(0);
        }
    }
    for s in &mut columns.strides {
        if *s % period == 0 {
            *s = 0;
        }
    }
    let (low, high) = range(&touch.space, &columns)??;
    let whole = low.div_euclid(period);
    (high.div_euclid(period) == whole).then(|| (low - whole * period, high - whole * period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injectivity_sees_overlapping_rows() {
        assert!(injective(&[3, 4], &[4, 1]).is_ok());
        assert!(injective(&[3, 4], &[1, 3]).is_ok());
        assert!(injective(&[3, 4], &[3, 1]).is_err());
        assert!(injective(&[3, 4], &[4, 0]).is_err());
        assert!(injective(&[1, 4], &[0, 1]).is_ok());
    }
}

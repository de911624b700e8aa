//! The rules of a kernel by itself: 2 to 7 of [`super`].

use super::Check;
use super::code::{Checker, dtype_of, injective};
use crate::bounds::range;
use crate::kernel::{
    Access, ArrayId, Class, Code, Contract, Kernel, Nest, RowArray, ScalarKind, Scan, Scatter,
    Slot, Sort, Stage, Touch,
};
use sinew_ir::{DType, byte_count};

/// Checks a kernel.
pub(super) fn kernel(kernel: &Kernel) -> Check {
    let slots = &kernel.slots;
    for (i, slot) in slots.iter().enumerate() {
        if slot.dtype.size().is_none() {
            return Err(format!("slot {i} has an element type without a size"));
        }
    }
    match &kernel.class {
        Class::Nest(n) => nest(slots, n)?,
        Class::Contract(c) => contract(slots, c)?,
        Class::Scatter(s) => scatter(slots, s)?,
        Class::Scan(s) => scan(slots, s)?,
        Class::Sort(s) => sort(slots, s)?,
    }
    let touches = kernel.class.touches();
    for (i, slot) in slots.iter().enumerate() {
        let mine = || touches.iter().filter(|t| t.access.slot.0 as usize == i);
        let (loads, stores) = (mine().any(|t| t.loads), mine().any(|t| t.stores));
        if (slot.usage.reads(), slot.usage.writes()) != (loads, stores) {
            return Err(format!(
                "slot {i} says `{}`, its code something else",
                slot.usage.name()
            ));
        }
    }
    meetings(&touches)
}

fn not_empty(extents: &[usize]) -> Check {
    match extents.contains(&0) {
        true => Err("its parallel space is empty".into()),
        false => Ok(()),
    }
}

fn nest(slots: &[Slot], nest: &Nest) -> Check {
    not_empty(&nest.outer)?;
    let space = [&nest.outer[..], &nest.inner].concat();
    // A row stage runs once a row, empty rows too.
    let mut once = nest.outer.clone();
    once.resize(space.len(), 1);
    let mut set = vec![false; nest.rows.len()];
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
    let arrays = row_arrays(nest)?;
    block_sums(slots, nest)?;
    for (at, stage) in nest.stages.iter().enumerate() {
        match stage {
            Stage::Row { code, sets } => {
                let checker = Checker {
                    slots,
                    space: &once,
                    flat: nest.outer.len(),
                    rows: &nest.rows,
                    set: &set,
                    arrays: &[],
                    accumulator: None,
                    step: None,
                };
                checker.code(code)?;
                for (row, reg) in sets {
                    let dtype = dtype_of(code, *reg)?;
                    row_of(&mut set, row.0, dtype)?;
                }
            }
            Stage::Each { code, reduces } => {
                let written = |(array, dtype): (&RowArray, &DType)| (array.stage < at, *dtype);
                let arrays: Vec<_> = nest.arrays.iter().zip(&arrays).map(written).collect();
                let checker = Checker {
                    slots,
                    space: &space,
                    flat: space.len(),
                    rows: &nest.rows,
                    set: &set,
                    arrays: &arrays,
                    accumulator: None,
                    step: nest.step(),
                };
                checker.code(code)?;
                for (row, reduction, reg) in reduces {
                    let element = dtype_of(code, *reg)?;
                    if element == DType::Bool {
                        return Err(format!("a reduction of bools: {}", reduction.name()));
                    }
                    if element.is_half() {
                        return Err(format!("a reduction of halves: {}", reduction.name()));
                    }
                    let dtype = match reduction.is_place() {
                        false => element,
                        true => DType::I32,
                    };
                    row_of(&mut set, row.0, dtype)?;
                }
            }
        }
    }
    Ok(())
}

/// Checks the stores that add.
fn block_sums(slots: &[Slot], nest: &Nest) -> Check {
    let adds = |code: &Code| code.stores.iter().any(|store| store.adds);
    if nest.step().is_none() {
        return match nest.stages.iter().any(|stage| adds(stage.code())) {
            true => Err("it adds up over no dim".into()),
            false => Ok(()),
        };
    }
    let mut sums = Vec::new();
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, .. } if adds(code) => {
                return Err("it adds where there are no elements".into());
            }
            Stage::Row { .. } => {}
            Stage::Each { code, .. } => {
                let stores = code.stores.iter().filter(|store| store.adds);
                sums.extend(stores.map(|store| store.access.slot));
            }
        }
    }
    for slot in &sums {
        match slots.get(slot.0 as usize).map(|slot| slot.dtype) {
            Some(DType::F32 | DType::F64) => {}
            Some(
                dtype @ (DType::Float
                | DType::F16
                | DType::Bf16
                | DType::I32
                | DType::U32
                | DType::Bool),
            ) => return Err(format!("it adds up values of {dtype}")),
            None => return Err(format!("no slot {}", slot.0)),
        }
    }
    for stage in &nest.stages {
        for inst in &stage.code().insts {
            if let ScalarKind::Load(access) | ScalarKind::Gather { access, .. } = &inst.kind
                && sums.contains(&access.slot)
            {
                return Err(format!("loads slot {} where it adds", access.slot.0));
            }
        }
    }
    Ok(())
}

/// Checks the declarations of row arrays; gives the element type of each.
fn row_arrays(nest: &Nest) -> Result<Vec<DType>, String> {
    let reads = |stage: &Stage, id: ArrayId| {
        let (Stage::Row { code, .. } | Stage::Each { code, .. }) = stage;
        let mut insts = code.insts.iter();
        insts.any(|inst| inst.kind == ScalarKind::Element(id))
    };
    let mut dtypes = Vec::new();
    for (i, array) in nest.arrays.iter().enumerate() {
        let Some(Stage::Each { code, .. }) = nest.stages.get(array.stage) else {
            return Err(format!(
                "row array {i} is written where there are no elements"
            ));
        };
        let dtype = dtype_of(code, array.value)?;
        let size = match dtype {
            DType::Bool | DType::Float => return Err(format!("a row array of {dtype}")),
            DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 => {
                dtype.size()
            }
        };
        if size
            .and_then(|size| byte_count(&nest.inner, size))
            .is_none()
        {
            return Err(format!("row array {i} is larger than memory"));
        }
        let id = ArrayId(u32::try_from(i).map_err(|_| "too many row arrays")?);
        if !nest.stages.iter().any(|stage| reads(stage, id)) {
            return Err(format!("row array {i} is never read"));
        }
        dtypes.push(dtype);
    }
    Ok(dtypes)
}

fn contract(slots: &[Slot], c: &Contract) -> Check {
    let space = c.space();
    not_empty(&space)?;
    if c.m.is_empty() || c.n.is_empty() || c.k.is_empty() {
        return Err("a contraction without rows, columns or a contracted dim".into());
    }
    match c.dtype {
        DType::F32 | DType::F64 => {}
        DType::Float | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 | DType::Bool => {
            return Err(format!("a contraction of {}", c.dtype));
        }
    }
    for (operand, over) in [(&c.lhs, c.lhs_space()), (&c.rhs, c.rhs_space())] {
        let checker = Checker::plain(slots, &over, None);
        checker.code(&operand.code)?;
        if !operand.code.stores.is_empty() {
            return Err("an operand's code stores".into());
        }
        if dtype_of(&operand.code, operand.value)? != c.dtype {
            return Err("an operand of another element type".into());
        }
    }
    let checker = Checker::plain(slots, &space, Some(c.dtype));
    checker.code(&c.epilogue)
}

fn scatter(slots: &[Slot], s: &Scatter) -> Check {
    let mut space = s.outer.clone();
    space.push(s.updates);
    not_empty(&space)?;
    if s.extent == 0 {
        return Err("an axis of extent 0".into());
    }
    let checker = Checker::plain(slots, &space, None);
    checker.code(&s.code)?;
    if !s.code.stores.is_empty() {
        return Err("a scatter's code stores".into());
    }
    let target = checker.slot(&s.target)?;
    if dtype_of(&s.code, s.index)? != DType::I32 {
        return Err("the index is not i32".into());
    }
    if dtype_of(&s.code, s.update)? != target.dtype {
        return Err("the update is of another type than the target".into());
    }
    if target.dtype.is_half() {
        return Err("a scatter of halves".into());
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
    checker.bounds(&s.target, s.stride, s.extent)
}

fn scan(slots: &[Slot], s: &Scan) -> Check {
    let space = s.space();
    not_empty(&space)?;
    let checker = Checker::plain(slots, &space, Some(dtype_of(&s.code, s.next)?));
    checker.code(&s.code)
}

fn sort(slots: &[Slot], s: &Sort) -> Check {
    let space = s.space();
    not_empty(&space)?;
    if i32::try_from(s.extent).is_err() {
        return Err("more elements than an i32 counts".into());
    }
    let checker = Checker::plain(slots, &space, None);
    for access in [&s.keys, &s.indices] {
        if !access.guards.is_empty() {
            return Err("a guarded key or index".into());
        }
        checker.bounds(access, 0, 0)?;
    }
    match checker.slot(&s.keys)?.dtype {
        DType::F32 | DType::F64 | DType::I32 | DType::U32 => {}
        DType::Float | DType::Bool => return Err("keys that are no numbers".into()),
        DType::F16 | DType::Bf16 => return Err("a sort of halves".into()),
    }
    if checker.slot(&s.indices)?.dtype != DType::I32 {
        return Err("the indices are not i32".into());
    }
    injective(&space, &s.indices.strides)
}

/// Rules 5 and 6 between the accesses of one kernel.
fn meetings(touches: &[Touch]) -> Check {
    for (i, store) in touches.iter().enumerate().filter(|(_, t)| t.stores) {
        for other in touches[..i].iter().filter(|t| t.stores) {
            if meet(store, other) {
                return Err("two stores meet".into());
            }
        }
        for (_, load) in touches
            .iter()
            .enumerate()
            .filter(|(j, t)| t.loads && *j != i)
        {
            let (a, b) = (&load.access, &store.access);
            // Of one slot, or they do not meet. What stores elsewhere than at the index, a scatter or a
            // sort, has no load of as many dims at the index.
            let same_place = load.plain
                && load.stage <= store.stage
                && a.offset == b.offset
                && a.strides == b.strides;
            if !same_place && meet(load, store) {
                return Err(format!(
                    "loads slot {} where it stores, not at the same index",
                    a.slot.0
                ));
            }
        }
    }
    Ok(())
}

/// Whether two accesses may touch one element: of one slot, since slots of a run share memory only
/// where none is written.
fn meet(a: &Touch, b: &Touch) -> bool {
    if a.access.slot != b.access.slot {
        return false;
    }
    let (Some((al, ah)), Some((bl, bh))) = (a.range(), b.range()) else {
        return false;
    };
    if ah < bl || bh < al {
        return false;
    }
    // Columns side by side in one slot overlap as ranges and never meet: compare modulo a stride.
    let strides = a.access.strides.iter().chain(&b.access.strides);
    for period in strides.filter_map(|s| s.checked_abs()).filter(|s| *s > 1) {
        let window = |t: &Touch| window(&t.space, &t.access, period);
        let (Some((_, [pl, ph])), Some((_, [ql, qh]))) = (window(a), window(b)) else {
            continue;
        };
        if ph < ql || qh < pl {
            return false;
        }
    }
    true
}

/// The range of an access's elements modulo `period`, if it does not wrap, behind the quotient of its ends.
pub(super) fn window(space: &[usize], access: &Access, period: i64) -> Option<(i64, [i64; 2])> {
    let mut columns = access.clone();
    for s in &mut columns.strides {
        if *s % period == 0 {
            *s = 0;
        }
    }
    let (low, high) = range(space, &columns)??;
    let whole = low.div_euclid(period);
    let ends = [low - whole * period, high - whole * period];
    (high.div_euclid(period) == whole).then_some((whole, ends))
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
